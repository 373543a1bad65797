"""Build the sdist and the wheel once, then test the wheel on each Python, away from the source.

    python tests/wheel/everywhere.py [--compiled] [--extra report] PYTHON...

The wheel is built of the sdist, so the sdist is complete. Of each Python a line says how long `pip install`
took, what it put there, and how many tests passed. A Python that is not here is said to be not run. With
--compiled the compiled engine is compared with the model too: minutes. Needs `pip install build`.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")
_MIB = 1 << 20


def call(*words: object, cwd: Path) -> str:
    """Run a command and return its output; end with what it said where it fails."""
    done = subprocess.run([*map(str, words)], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(work: Path) -> Path:
    """Return a wheel built of the sdist, which is built of what git tracks."""
    source = work / "source"
    call("git", "clone", "--quiet", "--no-hardlinks", ROOT, source, cwd=work)
    call(sys.executable, "-m", "build", "--sdist", "-o", work / "sdist", source, cwd=work)
    direct = work / "direct"
    call(sys.executable, "-m", "build", "--wheel", "-o", direct, source, cwd=work)
    shutil.rmtree(source)
    call("tar", "xf", next((work / "sdist").glob("*.tar.gz")), "-C", work / "sdist", cwd=work)
    unpacked = next(p for p in (work / "sdist").iterdir() if p.is_dir())
    call(sys.executable, "-m", "build", "--wheel", "-o", work, unpacked, cwd=work)
    shutil.rmtree(unpacked)
    wheel, other = next(work.glob("*.whl")), next(direct.glob("*.whl"))
    if wheel.read_bytes() != other.read_bytes():
        sys.exit(f"the wheel of the sdist is not that of the source: {wheel.name}")
    return wheel


def version_of(python: str) -> str | None:
    """Return the version of an interpreter, None where it does not run."""
    try:
        done = subprocess.run(
            [python, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def size(folder: Path) -> float:
    """Return the MiB of the files of a folder."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file()) / _MIB


def spent() -> float:
    """Return the seconds of processor time of everything that was called so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tried(python: str, wheel: Path, work: Path, extra: str, marks: str) -> str:
    """Install the wheel for one Python and return what its tests did; end where one fails."""
    home = work / f"venv-{Path(python).name}"
    call(python, "-m", "venv", home, cwd=work)
    site = next(home.glob("lib/python*/site-packages"))
    before, begun = size(site), spent()
    call(home / "bin" / "pip", "install", "--quiet", f"{wheel}{extra}", cwd=work)
    seconds, added = spent() - begun, size(site) - before
    call(home / "bin" / "pip", "install", "--quiet", "pytest", cwd=work)
    folder = work / f"tests-{Path(python).name}"
    folder.mkdir()
    shutil.copy(HERE / "smoke.py", folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = compiled\n")
    said = call(
        home / "bin" / "python",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        marks,
        "smoke.py",
        cwd=folder,
    )
    passed = re.findall(r"^\d+ passed.*$", said, re.MULTILINE)
    shutil.rmtree(home)
    return f"pip install {seconds:.0f} s of processor time, {added:.0f} MiB; {passed[-1] if passed else said}"


def main() -> int:
    """Try every Python that is here; return 1 where none is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--compiled", action="store_true", help="compare the compiled engine too")
    parser.add_argument("--extra", default="", help="install this extra as well")
    parser.add_argument("pythons", nargs="*", metavar="PYTHON", default=PYTHONS)
    asked = parser.parse_args()
    ran = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel = build(work)
        print(f"{wheel.name}: {wheel.stat().st_size / _MIB:.1f} MiB, the same of the sdist and of the source")
        for python in asked.pythons:
            version = version_of(python)
            if version is None:
                print(f"{python}: not here, not run")
                continue
            extra = f"[{asked.extra}]" if asked.extra else ""
            marks = "compiled or not compiled" if asked.compiled else "not compiled"
            print(f"{python} ({version}): {tried(python, wheel, work, extra, marks)}", flush=True)
            ran += 1
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
