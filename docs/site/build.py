"""Build the documentation site: `python docs/site/build.py OUT`. It ends with exit code 1 on any warning.

OUT/VERSION/ has the pages, OUT/versions.json the versions that lie in OUT, OUT/index.html leads to this one.
A site that is kept from version to version is built into the same OUT. Needs `pip install 'fos-ref[docs]'`.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE)]

from links import broken  # noqa: E402 -- beside this file
from public import PAGES, pages  # noqa: E402

#: What the pages link to, besides docs/: taken into the site as it is.
TAKEN = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "golden/README.md", "tests/README.md")
KINDS = ("*.md", "*.png", "*.svg")
PLACE = "{rest}"  #: in index.md: the pages that it does not list


def stage(folder: Path) -> None:
    """Lay out the sources: the documents where they are in the repository, the made pages in docs/api."""
    for name in (
        *TAKEN,
        *(
            str(p.relative_to(ROOT))
            for k in KINDS
            for d in ("docs", "reports")
            for p in sorted((ROOT / d).rglob(k))
        ),
    ):
        if name.startswith("docs/site/"):
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
        if name.endswith(".md"):
            _fit(folder / name)
    api = folder / "docs" / "api"
    api.mkdir(parents=True)
    for name, text in pages():
        (api / f"{name}.md").write_text(text, encoding="utf-8")
    (api / "commands.md").write_text(commands(), encoding="utf-8")
    (folder / "index.md").write_text(index(folder), encoding="utf-8")


def _fit(path: Path) -> None:
    """Give a page that begins without a heading the name of its file as one; make its images Markdown."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r'<img src="([^"]*)"[^>]* alt="([^"]*)">', r"![\2](\1)", text)
    path.write_text(text if text.startswith("# ") else f"# {path.stem}\n\n{text}", encoding="utf-8")


def index(folder: Path) -> str:
    """Return the first page; what it does not list comes last, so that a new page is never left out."""
    text = (HERE / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([\w/.-]+)$", text, re.MULTILINE)) | {"index"}
    there = sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*.md"))
    return text.replace(PLACE, "\n".join(p for p in there if p not in listed))


def commands() -> str:
    """Return the page of the commands: what `-h` says of each."""
    from typer.main import get_command

    from fos_ref.cli import app, run

    def walk(command: object, *path: str) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", {})
        return [path, *(w for name, c in inner.items() for w in walk(c, *path, name))]

    parts = ["# The program fos\n\nWhat `-h` says of every command.\n"]
    for words in walk(get_command(app)):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            run([*words, "-h"])
        parts.append(f"\n## {' '.join(('fos', *words))}\n\n```\n{said.getvalue().strip()}\n```\n")
    return "".join(parts)


def versions(out: Path) -> list[dict[str, str]]:
    """Return what the switcher reads: the folders of `out`, the newest first."""
    names = [p.name for p in out.iterdir() if (p / "index.html").is_file()]
    newest = sorted(
        names, key=lambda n: [int(x) if x.isdigit() else -1 for x in re.split(r"[.\D]", n)], reverse=True
    )
    return [{"version": n, "url": f"../{n}/"} for n in newest]


def build(out: Path) -> int:
    """Build the site into `out`; return 0 if nothing was wrong."""
    from sphinx.cmd.build import main as sphinx

    from fos_ref.version import VERSION

    site = out / VERSION
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "source"
        source.mkdir()
        stage(source)
        ended = sphinx(
            [
                "-q",
                "-W",
                "--keep-going",
                "-c",
                str(HERE),
                "-d",
                f"{work}/trees",
                "-b",
                "html",
                str(source),
                str(site),
            ]
        )
    if ended:
        return ended
    (out / "versions.json").write_text(json.dumps(versions(out), indent=1) + "\n", encoding="utf-8")
    (out / "index.html").write_text(
        f'<!doctype html><title>fos-ref</title><meta http-equiv="refresh" content="0; url={VERSION}/">'
        f'<a href="{VERSION}/">fos-ref {VERSION}</a>\n',
        encoding="utf-8",
    )
    wrong = broken(out)
    for line in wrong:
        print(f"broken link: {line}", file=sys.stderr)
    print(
        f"{site}: {len(list(site.rglob('*.html')))} pages, {len(PAGES)} of calls, {len(wrong)} broken links"
    )
    return bool(wrong)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 -- the program and OUT
        sys.exit("usage: python docs/site/build.py OUT")
    sys.exit(build(Path(sys.argv[1]).resolve()))
