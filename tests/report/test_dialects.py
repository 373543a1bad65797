"""The disagreement matrix of the report: which presets, which dialects, the table, the text, the picture."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fos_ref import PRESETS
from fos_ref.dialects.hardware import hardware_decides
from fos_ref.dialects.matrix import differing_blocks
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_amax
from fos_ref.recipes.axes import (
    BlockShape,
    Candidates,
    ElementFormat,
    Reciprocal,
    ScaleFormat,
    TensorScale,
)
from fos_ref.recipes.searches import search_of
from fos_ref.report.dialects import DATA, DTYPES, jobs, KINDS, matrices, Matrix
from fos_ref.report.dialects_figure import _caption, disagreement, percent
from fos_ref.report.dialects_text import dialects_markdown
from fos_ref.report.lineup import Plan
from fos_ref.report.saving import png

PLAN = Plan(seeds=1, shape=(64, 64))


@pytest.fixture(scope="module")
def measured():
    done = []
    found = matrices(PLAN, "numpy", 2, lambda: done.append(1))
    assert len(done) == len(jobs()) == len(KINDS) * len(DATA) * len(DTYPES)
    return found


def test_every_scaled_nvfp4_preset_with_blocks_of_1x16_or_16x16_is_in_one_kind():
    listed = [n for kind in KINDS for n in kind.presets()]
    assert len(listed) == len(set(listed))
    nvfp4 = {"element_format": ElementFormat.E2M1, "scale_format": ScaleFormat.E4M3}
    searches = {n for n, r in PRESETS.items() if search_of(r.candidates)}
    assert searches & set(listed) == set()
    missing = {n for n, r in PRESETS.items() if r.name == n and nvfp4.items() <= r.axes().items()} - set(
        listed
    )
    missing -= searches
    unscaled = {n for n in missing if PRESETS[n].tensor_scale is TensorScale.NONE}
    assert {PRESETS[n].block_shape for n in missing - unscaled} <= {BlockShape.TILE_16X16, BlockShape.ROW_8}
    assert {PRESETS[n].block_shape for n in unscaled} == {BlockShape.ROW_16}
    assert all(PRESETS[n].candidates is not Candidates.FOUR_OVER_SIX for n in missing)


@pytest.mark.long
def test_the_counts_are_those_of_both_dtypes_together(measured):
    assert [(m.kind, m.distribution) for m in measured] == [(k, d) for k in KINDS for d in DATA]
    for m in measured[::4]:
        recipes = [PRESETS[n] for n in m.presets]
        alone = [differing_blocks(make(m.distribution, (32, 64), 0, t), recipes) for t in DTYPES]
        assert m.blocks == sum(blocks for blocks, _ in alone)
        assert np.array_equal(m.counts, alone[0][1] + alone[1][1])


def test_a_dialect_holds_the_presets_that_agree_everywhere(measured):
    for m in measured:
        groups = m.dialects()
        assert sorted(i for places in groups for i in places) == list(range(len(m.presets)))
        for places in groups:
            for i in places:
                assert set(np.flatnonzero(m.counts[i] == 0)) == set(places)


def test_the_table_has_a_share_for_every_pair(measured):
    table = measured[0].shares()
    assert list(table.columns) == ["preset", "dialect", "chip_decides", *measured[0].presets]
    assert list(table["preset"]) == list(measured[0].presets)
    assert set(table["dialect"]) == set(range(1, len(measured[0].dialects()) + 1))
    values = table[list(measured[0].presets)].to_numpy()
    assert np.array_equal(values * measured[0].blocks, measured[0].counts)


def test_the_blocks_that_a_chip_decides_are_those_of_the_first_rows(measured):
    m = next(m for m in measured if m.distribution == "coarse" and m.kind.drawn)
    assert set(m.undecided) == {n for n in m.presets if PRESETS[n].reciprocal is Reciprocal.APPROXIMATE}
    assert m.sampled == m.blocks == len(DTYPES) * 32 * 64 // 16
    for name in ("flashinfer-default-mse-256", "flashinfer-default-mae-448-row"):
        xs = [make("coarse", (32, 64), 0, t) for t in DTYPES]
        assert m.undecided[name] == sum(int(hardware_decides(x, PRESETS[name]).sum()) for x in xs) > 0
        shares = m.shares().set_index("preset")["chip_decides"]
        assert shares[name] == m.decided_by_chip(name) == m.undecided[name] / m.sampled
        assert (shares["4over6"], m.decided_by_chip("4over6")) == (0.0, None)


def test_rows_of_a_part_have_the_scales_of_the_whole():
    x = make("normal", (64, 64), 0)
    for name in ("flashinfer-default-mse-256", "flashinfer-default-mse-256-row"):
        r = PRESETS[name]
        whole = hardware_decides(x, r)
        amax = tensor_amax(x, r)
        part = hardware_decides(x[:32], r, amax=amax[:32] if amax.ndim else amax)
        assert np.array_equal(part, whole[:32])


@pytest.mark.long
def test_tables_and_pictures_say_what_a_chip_decides():
    counts = np.zeros((2, 2), dtype=np.int64)
    presets = ("4over6", "flashinfer-default-mse-256")
    m = Matrix(KINDS[0], "coarse", presets, 400, counts, 200, {presets[1]: 133})
    text = "\n".join(dialects_markdown([m]))
    assert "| 1 | `4over6` `flashinfer-default-mse-256`* | up to 66.50 % |" in text
    assert "a chip decides up to 66.50 % of the blocks (`flashinfer-default-mse-256`), counted on 200" in text
    assert _caption(m)[0] == "* approximate reciprocals: a chip decides up to 66.5 %"
    assert _caption(small()) == []
    said = dialects_markdown([replace(m, kind=KINDS[1])])[-1]
    assert "a chip decides up to 66.50 %" in said
    assert png(disagreement(m)) != png(disagreement(replace(m, undecided={})))


def small():
    """Return three presets, the first and the last of which agree."""
    counts = np.array([[0, 3, 0], [3, 0, 3], [0, 3, 0]])
    return Matrix(KINDS[0], "coarse", ("4over6", "4over6-mae", "te-mse-256"), 400, counts)


def test_the_text_numbers_the_dialects_and_counts_the_pairs():
    text = "\n".join(dialects_markdown([small()]))
    assert "| 1 | `4over6` `te-mse-256` |" in text
    assert "| 2 | `4over6-mae` |" in text
    assert "3 presets (4/6 with blocks of 1x16), 400 blocks, 2 dialects." in text
    assert "3 pairs of presets 1 agree everywhere, 2 differ in less than 1 % of the blocks, 0 in more" in text
    assert "(disagreement-coarse.png)" in text


@pytest.mark.long
def test_the_picture_has_a_row_for_each_dialect_and_stays_small(measured):
    data = png(disagreement(max(measured, key=lambda m: len(m.dialects()))))
    assert len(data) < 150_000
    assert Image.open(io.BytesIO(data)).width > 800
    assert png(disagreement(small())) == png(disagreement(small()))
    other = Matrix(KINDS[0], "coarse", small().presets, 400, small().counts * 100)
    assert png(disagreement(other)) != png(disagreement(small()))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100"),
        (0.3149, "31"),
        (0.0996, "10"),
        (0.0414, "4.1"),
        (0.00996, "1.0"),
        (0.0031, ".31"),
        (0.00099, ".099"),
        (0.00002, ".002"),
    ],
)
def test_a_share_is_written_in_at_most_four_characters(share, text):
    assert percent(share) == text


def test_the_csv_is_read_back_to_seven_digits(measured):
    from fos_ref.report.tables import csv  # noqa: PLC0415

    table = pd.read_csv(io.BytesIO(csv(measured[0].shares())))
    assert np.array_equal(
        np.rint(table[list(measured[0].presets)] * measured[0].blocks).to_numpy(), measured[0].counts
    )
