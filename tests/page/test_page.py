"""The page without a browser: it is whole, it needs nothing, its numbers are those of the tables."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest

from fos_ref.errors import InputError
from fos_ref.report.page.build import page
from fos_ref.report.page.folder import read_table, tables_of
from fos_ref.report.worked import worked
from tests.meta.tree import ROOT

REPORTS = ROOT / "reports"
TEXT = ("products-leaks", "published")  #: no figure is drawn of them
FEW = ("models-matrix", "products-leaks", "disagreement-coarse")
MOST = 3_000_000
BAD = "</script><script>alert(1)</script>"
VOID = {"meta", "link", "br", "img", "path", "use", "rect", "circle", "input"}


class Outline(HTMLParser):
    """Reads headings, identifiers, open elements and what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.ids += [v for k, v in attrs if k == "id"]
        self.loads += [
            v for k, v in attrs if k in ("src", "href", "xlink:href") and not v.startswith(("#", "data:"))
        ]

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    assert found.open == []
    return found


@pytest.fixture(scope="module")
def few() -> str:
    """Return a page of a few tables: drawing all of them takes a while."""
    every = tables_of(REPORTS, {})
    return page(worked(), {n: every[n] for n in FEW}).decode()


def check_outline(text: str) -> None:
    found = outline(text)
    assert found.loads == []
    assert len(set(found.ids)) == len(found.ids)
    assert found.headings[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(found.headings))


def test_a_page_of_tables_is_whole_and_its_names_stay_text():
    every = tables_of(REPORTS, {})
    every["products-leaks"].loc[0, "scheme"] = BAD
    text = page(worked(), {n: every[n] for n in TEXT}).decode()
    check_outline(text)
    assert "<script>alert" not in text
    assert html.escape(BAD) in text
    assert "map-to-4, 0 in place of 4.328125" in text
    assert 'id="finder"' not in text


@pytest.mark.long
def test_the_page_is_whole_and_loads_nothing(few):
    check_outline(few)
    assert few.count("<figure>") == few.count("<figcaption>") == 3
    assert few.count("The numbers of this figure") == few.count("<figure>") - 1  # the block has its steps
    assert all(f'href="#{key}"' in few for key in ("worked", "dialects", "leaks", "models"))


@pytest.mark.long
def test_the_finder_has_the_shares_of_the_table(few):
    data = json.loads(re.search(r'id="data">(.*?)</script>', few, re.DOTALL)[1])
    (kind,) = data["kinds"]
    (coarse,) = kind["data"]
    table = pd.read_csv(REPORTS / "disagreement-coarse.csv", index_col="preset")
    for a, b in (("4over6", "4over6-mae"), ("te-mse-448", "razer-4over6"), ("4over6", "te-mse-256")):
        share = coarse["share"][coarse["of"][a]][coarse["of"][b]]
        assert f"{share:.4g}" == f"{table.loc[a, b]:.4g}"
    assert data["axes"]["4over6"]["error_metric"] == "mse"


@pytest.mark.long
def test_a_hostile_name_stays_text():
    bad = BAD
    rows = [f'"{bad}",16,16,{r},1,0.5,1,1,1,1' for r in ("nvfp4", "4over6", "te-nvfp4-16x16", "4over6-16x16")]
    rows += [r.replace(f'"{bad}",16,16', "all tensors,,") for r in rows]
    head = "tensor,rows,cols,recipe,mse_e3,mse_ratio,mae_pct,max_pct,sqnr_db,share4_pct"
    others = ("fouroversix-static4", "4over6-mae", "4over6-absmax", "te-mse-448", "te-mae-448")
    rows += [r.replace("nvfp4", o) for o in others for r in (rows[0], rows[4])]
    made = {f"weights-{bad.replace('/', '')}.csv": "\n".join([head, *rows]).encode()}
    text = page(worked(), tables_of(ROOT / "nowhere", made)).decode()
    assert "<script>alert" not in text
    assert outline(text).loads == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff", "UnicodeDecodeError"),
        (b"", "ValueError"),
        (b"a,b\n", "no rows"),
        (b"a,b\n1\n", "row 2"),
        (b"a,a,b\n1,2,3\n", "a name twice"),
        (b"a,c\n1,2\n", "no column b"),
    ],
)
def test_what_is_no_table_is_one_error(data, why):
    with pytest.raises(InputError, match=why):
        read_table(data, "x.csv", ("a", "b"))


def test_a_table_of_other_rows_is_one_error():
    few_rows = (REPORTS / "errors.csv").read_bytes().splitlines(keepends=True)[:3]
    with pytest.raises(InputError, match="the tables of the report's folder"):
        page(worked(), tables_of(ROOT / "nowhere", {"errors.csv": b"".join(few_rows)}))


@pytest.mark.long
def test_the_whole_page_is_small():
    made = page(worked(), tables_of(REPORTS, {}))
    assert len(made) < MOST
    text = made.decode()
    assert outline(text).loads == []
    assert text.count("The numbers of this figure") == text.count("<figure>") - 1 > 15
    assert page(worked(), tables_of(REPORTS, {})) == made
