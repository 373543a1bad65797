"""Figures as bytes: PNG for the report's files, SVG and PDF for a paper. No date and no version inside."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image

from fos_ref.report.style import style

DPI = 150
_COLOURS = 256
_SALT = "fos-ref"  #: of the identifiers inside an SVG, which matplotlib draws at random otherwise


def png(figure: Figure) -> bytes:
    """Return the figure as PNG bytes, in 256 colours."""
    drawn, out = io.BytesIO(), io.BytesIO()
    with _drawing():
        figure.savefig(drawn, format="png", dpi=DPI)
    palette = (
        Image.open(drawn)
        .convert("RGB")
        .quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    palette.save(out, format="PNG", optimize=True)
    return out.getvalue()


def svg(figure: Figure, *, as_text: bool = False) -> bytes:
    """Return the figure as SVG bytes: letters as outlines, or as text in the reader's own font."""
    out = io.BytesIO()
    fonts = {"svg.fonttype": "none" if as_text else "path", "svg.hashsalt": _SALT}
    with _drawing(), mpl.rc_context(fonts):  # type: ignore[arg-type]
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=as_text)
    return out.getvalue()


def pdf(figure: Figure) -> bytes:
    """Return the figure as PDF bytes, fonts embedded as TrueType."""
    out = io.BytesIO()
    with _drawing(), mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(out, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return out.getvalue()


#: Ending of a file -> how a figure is written.
KINDS: Mapping[str, Callable[[Figure], bytes]] = MappingProxyType({"png": png, "svg": svg, "pdf": pdf})


@contextmanager
def _drawing() -> Iterator[None]:
    """Draw in the report's style: ticks and legends are made when a figure is saved."""
    with style(), warnings.catch_warnings():  # a name in a script that the font lacks is drawn as boxes
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        warnings.filterwarnings("ignore", message=r"Matplotlib currently does not support .* natively")
        yield
