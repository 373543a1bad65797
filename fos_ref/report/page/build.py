"""The page: sections put into the template, with style sheet and script inside."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from fos_ref.foreign import foreign
from fos_ref.report.page import choices, dialects, errors, trained, weights
from fos_ref.report.page.embed import apart
from fos_ref.report.page.folder import Tables
from fos_ref.report.page.parts import Section
from fos_ref.report.page.worked import picture, steps
from fos_ref.report.worked import Worked
from fos_ref.version import VERSION

_HERE = "fos_ref.report.page"


def page(w: Worked, tables: Tables, own: Sequence[Section] = ()) -> bytes:
    """Return the page as UTF-8 HTML: the worked block, what is the reader's own, then every table's section.

    The same tables give the same bytes with the same version of matplotlib. Nothing in it is loaded from
    elsewhere, and its own policy forbids that.
    Raises: InputError for tables that hold other rows than the report writes.
    """
    with foreign("the tables of the report's folder", "what `fos report` writes is allowed"):
        found, data = [*own, *_sections(tables)], dialects.finder(tables)
    loader = PackageLoader(_HERE, "templates")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made = environment.get_template("page.html").render(
        version=VERSION,
        worked=w,
        steps=steps(w),
        picture=picture(w),
        sections=found,
        finder=data,
        style=_text("page.css"),
        script=_text("page.js"),
    )
    return apart(made).encode()


def _sections(tables: Tables) -> list[Section]:
    """Return the sections of the tables that are there, in the order of the page."""
    found = errors.sections(tables)
    found += [s for s in (dialects.section(tables), choices.section(tables)) if s is not None]
    return [*found, *weights.sections(tables), *trained.sections(tables)]


def _text(name: str) -> str:
    return files(_HERE).joinpath("templates", name).read_text(encoding="utf-8")
