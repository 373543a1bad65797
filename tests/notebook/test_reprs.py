"""What a notebook shows of a recipe, a trace, a quantized tensor and a diagnosis."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

import fos_ref
from fos_ref.model.trace import grid, INTEGERS
from fos_ref.recipes.dialect import AXES
from fos_ref.verify import check


def parsed(html: str) -> ET.Element:
    """Return HTML that is XML too: it is whole, and nothing of it is a script."""
    assert "<script" not in html
    return ET.fromstring(html)  # noqa: S314 -- our own


def block():
    x = np.zeros((1, 16), np.float32)
    x[0, :4] = 10, 20, 30, -40
    return x


def test_a_recipe_is_a_table_of_its_axes():
    found = parsed(fos_ref.recipe("4over6")._repr_html_())
    assert [th.text for th in found.iter("th")][2:] == list(AXES)


def test_a_recipe_s_name_stays_text():
    r = replace(fos_ref.recipe("nvfp4"), name="<script>alert(1)</script>")
    assert "&lt;script&gt;" in ET.tostring(parsed(r._repr_html_())).decode()


def test_a_trace_is_drawn_on_both_grids():
    found = parsed(fos_ref.trace(block(), "4over6", tensor_scale=1.0)._repr_html_())
    said = [t.text for t in found.iter("text")]
    assert "map-to-6" in said
    assert "40 (-1)" in said  # map-to-6 takes 39
    assert said[said.index("map-to-4") + 1] == "kept"
    assert {"40", "30", "20", "10"} <= set(said)


def test_a_tensor_shows_its_first_block():
    found = parsed(fos_ref.quantize(block(), "4over6", tensor_scale=1.0)._repr_html_())
    circles = {float(c.get("cx")) for c in found.iter("circle")}
    ticks = {
        float(t.get("x")): t.text for t in found.iter("text") if t.get("text-anchor") == "middle" and t.text
    }
    assert {ticks[x] for x in circles} == {"0", "10", "20", "30", "40"}


@pytest.mark.parametrize("name", ["ocp-mxfp8-e4m3", "fouroversix-if4-mse", "te-nvfp4-16x16", "mlx-mxfp4"])
def test_every_kind_of_format_is_drawn(name):
    x = np.random.default_rng(0).standard_normal((16, 32)).astype(np.float32)
    for shown in (fos_ref.trace(x, name), fos_ref.quantize(x, name)):
        assert len(list(parsed(shown._repr_html_()).iter("circle"))) > 3


@pytest.mark.parametrize(
    "name", ["4over6", "ocp-mxfp4", "fouroversix-if4-mse", "fouroversix-if3-mse", "fouroversix-if6-e2m3-mse"]
)
def test_what_is_drawn_of_the_kept_candidate_is_what_the_block_becomes(name):
    """And it lies on points of the grid; the blocks are such that each candidate is kept in one."""
    r, kept = fos_ref.PRESETS[name], set()
    for seed in range(12):
        x = np.random.default_rng(seed).standard_normal((1, r.block_cols)).astype(np.float32)
        t, becomes = fos_ref.trace(x, r), np.abs(fos_ref.dequantize(fos_ref.quantize(x, r)))[0]
        four = bool(t.picked4.flat[0])
        second = "map-to-4" if r.element.second is None else INTEGERS
        g = grid(second if four else "map-to-6", t.map4 if four else t.map6, t.scales, r, kept=True)
        assert set(g.back) <= set(g.points)
        assert np.abs(np.array(g.back) - becomes).max() <= 4e-7 * becomes.max()  # drawn in float64
        kept.add(four)
    assert kept == ({True, False} if t.map4 is not None else {False})


def test_nothing_is_drawn_of_nothing():
    q = fos_ref.quantize(np.zeros((0, 16), np.float32), "nvfp4")
    assert "circle" not in q._repr_html_()


def test_a_diagnosis_has_its_causes_and_its_text():
    x = np.random.default_rng(0).standard_normal((16, 64)).astype(np.float32)
    q = fos_ref.quantize(x, "4over6-mae")
    d = check(x, codes=q.codes, scales=q.block_scales, recipe="4over6")
    html = d._repr_html_()
    assert re.search(rf'scope="row"[^>]*>{d.flags[0]}<', html)
    assert str(d).splitlines()[0].split(":")[0] in html
