"""What the groups of vectors claim: every midpoint, every scale byte, both sides of an edge, each flag."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import NonFinite
from fos_ref.vectors.bits import RAISES
from fos_ref.vectors.folder import NOTES_FILE
from fos_ref.vectors.manifest import MANIFEST
from fos_ref.vectors.notes import NOTES
from fos_ref.vectors.plan import GROUPS, HUNT, PLAN, REPORTED
from tests.vectors.folder import files, vectors

E2M1_MIDPOINTS = (0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0)
INT4_MIDPOINTS = (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5)
#: Of longer formats the first, the last and some between.
OTHERS = {
    "fouroversix-nvfp3": (0.5, 1.5, 3.0),
    "fouroversix-nvint6": (0.5, 5.5, 15.5, 30.5),
    "fouroversix-nvfp6-e2m3": (0.0625, 7.25),
    "ocp-mxfp8-e4m3": (2.0**-10, 432.0),
    "ocp-mxint8": (1 / 128, 253 / 128),
}


def kept(v):
    """Return the candidate that was kept, of a vector of one block."""
    (block,) = v.steps["blocks"]
    return block["map4" if v.expected["picked4"][0] == "1" else "map6"]


def scaled(candidate):
    """Return a candidate's scaled values as float32."""
    words = " ".join(candidate["scaled_bits"]).split(" ")
    return np.array([int(w, 16) for w in words], dtype=np.uint32).view(np.float32)


def test_every_recipe_of_the_plan_has_the_files_of_its_groups():
    for name, groups in PLAN.items():
        r = PRESETS[name]
        wanted = {g for g in groups if g == HUNT or GROUPS[g].suits(r)}
        wanted |= {REPORTED} if HUNT in groups else set()
        assert {n.split("/")[2] for n in files() if n.startswith(f"v1/{name}/")} == {
            f"{g}.json" for g in wanted
        }


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("recipe", "midpoints"),
    [
        ("nvfp4", E2M1_MIDPOINTS),
        ("4over6", E2M1_MIDPOINTS),
        ("fouroversix-nvint4", INT4_MIDPOINTS),
        *OTHERS.items(),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_kept_candidates_meet_every_midpoint_and_both_neighbours(recipe, midpoints, sign):
    met = {
        (v.case.x.dtype.name, float(y))
        for v in vectors(recipe, "midpoints")
        for y in scaled(kept(v))
        if v.steps["blocks"][0]["map6"] == kept(v)
    }
    for m in midpoints:
        assert ("float32", sign * m) in met
        steps = np.float32(m).view(np.uint32) + np.array([-1, 1])
        for beside in steps.astype(np.uint32).view(np.float32):
            assert ("float32", sign * float(beside)) in met
        assert {("bfloat16", sign * m), ("float16", sign * m)} <= met


def test_map_to_4_is_kept_on_every_midpoint_that_it_reaches():
    met = [
        float(y)
        for v in vectors("4over6", "midpoints")
        for y in scaled(kept(v))
        if v.steps["blocks"][0]["map4"] == kept(v)
    ]
    assert {sign * m for m in E2M1_MIDPOINTS if m < 4 for sign in (1, -1)} <= set(met)


@pytest.mark.parametrize("recipe", ["nvfp4", "4over6"])
def test_every_scale_byte_is_chosen_in_order(recipe):
    both = [*vectors(recipe, "scale-codes-low"), *vectors(recipe, "scale-codes-high")]
    chosen = [v.expected["block_scales"] for v in both]
    assert chosen == [[f"{code:02X}"] for code in range(0x7F)]


@pytest.mark.sample(7)
@pytest.mark.parametrize("recipe", [name for name in PLAN if "near-ties" in PLAN[name]])
def test_both_sides_of_each_edge_of_a_choice_are_there(recipe):
    edges: dict[str, list[str]] = {}
    for v in vectors(recipe, "near-ties") if PRESETS[recipe].chooses else ():
        edges.setdefault(v.case.comment.split(":")[0], []).append(v.expected["picked4"][0])
    assert all(len(picks) == 5 and set(picks) == {"0", "1"} for picks in edges.values())
    assert len(edges) >= (2 if "16x16" in recipe else 4) or not PRESETS[recipe].chooses


@pytest.mark.parametrize("recipe", [name for name in PLAN if "nonfinite" in PLAN[name]])
def test_what_is_not_finite_is_refused_or_goes_through(recipe):
    refused = [v.expected == RAISES for v in vectors(recipe, "nonfinite")]
    assert set(refused) == {PRESETS[recipe].nonfinite is NonFinite.RAISE}


def test_poison_around_a_tensor_changes_nothing():
    found = vectors("4over6", "tails")
    clean = {tuple(v.case.given.x.shape): v for v in found if v.case.buffer is None and v.expected != RAISES}
    poisoned = [v for v in found if v.case.buffer is not None]
    assert len(poisoned) >= 12
    for v in poisoned:
        shape = tuple(v.case.given.x.shape)
        assert v.case.buffer.size > v.case.x.size
        assert shape not in clean or v.expected == clean[shape].expected


def test_every_flag_is_noted_and_has_vectors():
    notes = json.loads(files()[NOTES_FILE])["flags"]
    counted = json.loads(files()[MANIFEST])["flags"]
    assert list(NOTES) == list(dict.fromkeys(NOTES))
    assert set(notes) == set(counted) == set(NOTES)
    assert len(NOTES) == 44
    assert min(Counter(counted).values()) >= 10
