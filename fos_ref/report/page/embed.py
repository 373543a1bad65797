"""A figure inside a page: text as text, colours by name, so that dark mode has its own."""

from __future__ import annotations

import re
from html import escape

from matplotlib.figure import Figure

from fos_ref.report.page.parts import Draw, Drawing, Table
from fos_ref.report.saving import svg

#: Colours of figures -> variables of the page's style sheet.
_COLOURS = {
    "#333333": "ink",
    "#8a8a8a": "faint",
    "#f4f5f7": "band",
    "#e3e3e3": "line",
    "#ffffff": "page",
    "#4d4d4d": "grey",
    "#0072b2": "blue",
    "#56b4e9": "sky",
    "#7db5d8": "sky",
    "#e69f00": "orange",
    "#f0c75e": "yellow",
    "#009e73": "green",
    "#cc4c7e": "pink",
    "#a6761d": "brown",
    "#d55e00": "red",
}
_ROOT = re.compile(r"<svg [^>]*>")
_SIZE = re.compile(r'viewBox="([^"]*)"')
_HEAD = re.compile(r"\A.*?(?=<svg )", re.DOTALL)
_META = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_LINK = re.compile(r'(url\(#|href="#)')
_SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)
_USED = re.compile(r'(?:url\(#|href="#)([^")]*)')
_FONT = re.compile(r"(font: *(?:\w+ )?[\d.]+px) [^;\"]*")


def drawing(draw: Draw, title: str, caption: str, table: Table, *, both: bool = True) -> Drawing:
    """Return a figure for a page, drawn wide and, if `both`, narrow too."""
    wide = inline(draw(False), title)  # noqa: FBT003
    return Drawing(title, caption, wide, table, inline(draw(True), title) if both else "")  # noqa: FBT003


def inline(figure: Figure, title: str) -> str:
    """Return a figure as an SVG element: one image to a screen reader, no identifier that nothing uses."""
    made = svg(figure, as_text=True).decode()
    made = _META.sub("", _HEAD.sub("", made))
    size = _SIZE.search(made)
    assert size is not None
    used = set(_USED.findall(made))
    made = _ID.sub(lambda m: m[0] if m[1] in used else "", made)
    for colour, variable in _COLOURS.items():
        made = made.replace(colour, f"var(--{variable})")
    made = _FONT.sub(r"\1 system-ui, sans-serif", made)
    root = f'<svg viewBox="{size[1]}" role="img" aria-label="{escape(title)}">'
    return _ROOT.sub(root, made, count=1)


def apart(page: str) -> str:
    """Return a page in which each SVG has identifiers of its own: figures share their shapes."""
    count = iter(range(1, page.count("<svg ") + 1))

    def marked(found: re.Match[str]) -> str:
        mark = f"s{next(count)}-"
        own = _ID.sub(rf' id="{mark}\1"', found[0])
        return _LINK.sub(rf"\1{mark}", own)

    return _SVG.sub(marked, page)
