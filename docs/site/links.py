"""Every link of the built site: the file that it names is there, and so is the place in it."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_OUTSIDE = ("http", "https", "mailto", "data", "javascript")


class _Page(HTMLParser):
    """The links of a page, and the places that a link can name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what a tag links to and its id."""
        given = dict(attrs)
        self.places |= {v for k in ("id", "name") if (v := given.get(k))}
        self.links += [v for k in ("href", "src") if (v := given.get(k))]


def read(path: Path) -> _Page:
    """Return a page, read."""
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def broken(site: Path) -> list[str]:
    """Return "page: link" of each link inside the site that leads nowhere, and of each that is malformed."""
    pages = {p.resolve(): read(p) for p in sorted(site.rglob("*.html")) if "_static" not in p.parts}
    found = []
    for path, page in pages.items():
        wrong = (link for link in page.links if not _leads_somewhere(path, link, pages))
        found += [f"{path.relative_to(site.resolve())}: {link}" for link in wrong]
    return found


def _leads_somewhere(path: Path, link: str, pages: dict[Path, _Page]) -> bool:
    """Return whether a link is well formed and, inside the site, names what is there."""
    parts = urlsplit(link)
    if parts.scheme:
        return parts.scheme in _OUTSIDE and (parts.scheme not in ("http", "https") or "." in parts.netloc)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    return not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].places
