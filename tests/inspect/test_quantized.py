"""Files that `fos quantize` wrote: convention, tensor scale, bound, rule, block shape, and the dialect."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import fos_ref
from fos_ref.engines.convert import quantize_checkpoint
from fos_ref.errors import RecipeError
from fos_ref.inspect.api import inspect
from fos_ref.recipes.axes import Candidates, ErrorMetric, TensorScale
from fos_ref.storage.conventions import check_storable, CONVENTIONS
from tests.inspect.checkpoints import original, trained


def storable(name: str) -> bool:
    try:
        check_storable(fos_ref.PRESETS[name])
    except RecipeError:
        return False
    return True


STORABLE = [
    r.name
    for r in dict.fromkeys(fos_ref.PRESETS.values())
    # A tensor scale of 1 tells nothing, and the scales of a search follow no rule.
    if storable(r.name) and r.tensor_scale is not TensorScale.NONE and r.search is None
]
#: By default: our own in both conventions, and one preset for each tensor scale and map-to-4 scale there is.
OWN = [n for n in STORABLE if n.startswith(("4over6", "nvfp4"))]
KINDS = {
    (fos_ref.PRESETS[n].tensor_scale, fos_ref.PRESETS[n].map4_scale, fos_ref.PRESETS[n].scale_max): n
    for n in STORABLE
}
STATIC_4 = "fouroversix-static4"
QUICK = [(n, c) for n in (*OWN, STATIC_4) for c in CONVENTIONS]
QUICK += [(n, list(CONVENTIONS)[i % 2]) for i, n in enumerate(KINDS.values()) if n not in OWN]
CASES = [*QUICK, *((n, c) for n in STORABLE for c in CONVENTIONS if (n, c) not in QUICK)]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return original(tmp_path_factory.mktemp("inspect"))


def test_the_list_has_every_rule_in_every_convention():
    assert len(STORABLE) > 100
    assert len(set(CASES)) == len(CASES) == 2 * len(STORABLE)
    for c in CONVENTIONS:
        assert {fos_ref.PRESETS[n].candidates for n, k in QUICK if k == c} == {
            Candidates.SIX,
            Candidates.FOUR,
            Candidates.FOUR_OVER_SIX,
        }


@pytest.mark.parametrize(
    ("recipe", "convention"),
    [c if c in QUICK else pytest.param(*c, marks=pytest.mark.exhaustive) for c in CASES],
)
def test_convention_bound_rule_and_shape_are_named(recipe, convention, source, tmp_path):
    r, out = fos_ref.PRESETS[recipe], tmp_path / "out.safetensors"
    done = quantize_checkpoint(source, out, recipe, convention=convention)
    found = inspect(out)
    values = {k: f.value for k, f in found.findings.items()}
    form = {"modelopt": "multiplier", "compressed-tensors": "divisor"}[convention]
    assert values["convention"] == convention
    assert values["tensor_scale"] == form
    assert values["bound"] == str(r.scale_max)
    assert values["rule"] == r.candidates.value
    assert values["block_shape"] == r.block_shape.value
    assert values["scale_layout"] == "linear" or r.block_rows > 1
    assert (values["nibble_order"], values["metric"], values["dialect"]) == (None, None, None)
    assert len(found.weights) == 3
    assert [(o.what, o.names) for o in found.others] == [("plain tensors", ("norm.weight",))]
    assert found.problems == ()
    wrote = {o.name: o.picked4_share for o in done.outcomes if o.left is None}
    for w in found.weights:
        assert w.facts.rule.neither == 0
        near = abs(w.facts.rule.share4 - wrote[w.held.name]) < 0.02
        assert near or w.held.blocks < 1000 or r.scale_max == 448


#: Recipe -> convention. On coarse values ties and sums tell presets apart.
MAKERS = {
    "modelopt-4over6": "modelopt",
    "llmcompressor-4over6-mae": "compressed-tensors",
    "compressed-tensors-nvfp4": "compressed-tensors",
    "torchao-nvfp4": "modelopt",
    "te-mae-448-fast": "compressed-tensors",
    "fouroversix-cuda-mse-16x16": "modelopt",
    "fouroversix-static4": "compressed-tensors",
}


def telling() -> dict[str, np.ndarray]:
    """Return weights on coarse grids, with zero blocks and tiny blocks: where dialects part."""
    rng = np.random.default_rng(8)
    coarse = (np.round(rng.standard_normal((128, 256)) * 16) / 16).astype(np.float32)
    coarse[:16, :32] = 0
    coarse[16:32, :64] *= np.float32(2.0**-16)
    fine = trained(64, 256).astype(ml_dtypes.bfloat16)
    return {"coarse.weight": coarse, "fine.weight": fine}


@pytest.mark.sample(1)
@pytest.mark.parametrize("recipe", MAKERS)
def test_with_the_original_the_dialect_is_named(recipe, tmp_path):
    source, out = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file(telling(), source)
    quantize_checkpoint(source, out, recipe, convention=MAKERS[recipe])
    found = inspect(out, source, blocks=None)
    values = {k: f.value for k, f in found.findings.items()}
    same = [n for c in found.best for n in c.names]
    assert recipe in same
    assert values["dialect"] == same[0]
    assert found.best[0].exact
    assert found.best[0].blocks == sum(w.held.blocks for w in found.weights)
    for name in same:  # whatever is named with it does give these bytes
        for weight, x in telling().items():
            want, got = fos_ref.quantize(x, recipe), fos_ref.quantize(x, name)
            assert want.codes.tobytes() == got.codes.tobytes(), (name, weight)
            assert want.block_scales.tobytes() == got.block_scales.tobytes(), (name, weight)
    metric = fos_ref.PRESETS[recipe].error_metric
    assert values["metric"] == ("none" if metric is None else metric.value)
    assert (values["nibble_order"], values["scale_layout"]) == ("low nibble first", "linear")
    assert found.manifest_holds is True
    assert found.derived == []


def test_the_other_metrics_do_not_do_as_well(tmp_path):
    source, out = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file(telling(), source)
    quantize_checkpoint(source, out, "4over6-mae")
    ranked = inspect(out, source).ranked
    assert {c.recipe.error_metric for c in ranked if c.exact} == {ErrorMetric.MAE}
    assert {c.recipe.error_metric for c in ranked if c.dropped} >= {ErrorMetric.MSE, ErrorMetric.ABS_MAX}
    assert [c.dropped for c in ranked] == sorted(c.dropped for c in ranked)  # none before one that lives
