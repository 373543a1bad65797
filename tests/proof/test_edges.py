"""Proofs run over all they claim, and say what is missing; errors for recipes without a step."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from fos_ref import verify
from fos_ref.engines.given import Fixed
from fos_ref.engines.numpy_engine import NumpyEngine
from fos_ref.engines.on_device import quantize_on_device
from fos_ref.errors import InputError
from fos_ref.exactness.choice import decode_form
from fos_ref.fast import engine as fast
from fos_ref.fast import exact_scale
from fos_ref.inputs.distributions import make
from fos_ref.model.quantize import tensor_scales
from fos_ref.mutants.catalogue import MUTANTS
from fos_ref.oracle import errors, exact_error, scales
from fos_ref.proof import vectors, wrong_choice
from fos_ref.proof.oracle import proof as oracle_proof
from fos_ref.proof.sweeps import codes as sweep_codes
from fos_ref.proof.sweeps import e8m0, narrowing, scale_path, scale_path_axes
from fos_ref.recipes import PRESETS
from fos_ref.recipes.axes import BlockScale, Dequantize, Map4Scale


def quietly(*_):
    """Show no progress."""


# --- the full size -------------------------------------------------------------------------------------

WHOLE = {
    "codes": (sweep_codes, sweep_codes.codes, 2**32),
    "narrowing": (narrowing, narrowing.narrowing, 2**32),
    "e8m0": (e8m0, e8m0.e8m0, 2**31),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_sweep_is_of_every_pattern_once(name, monkeypatch):
    module, proof, size = WHOLE[name]
    asked = []
    monkeypatch.setattr(module, "sweep", lambda starts, length, *_: asked.append((starts, length)))
    proof(quietly, 1)
    ((starts, length),) = asked
    assert [starts[0], starts[-1] + length, len(starts) * length] == [0, size, size]
    assert starts.step == length


def test_the_scale_path_is_of_every_bfloat16_amax(monkeypatch):
    asked = []
    monkeypatch.setattr(scale_path, "sweep", lambda amax, *_: asked.append(list(amax)))
    scale_path.scale_path(quietly, 1)
    assert asked == [list(range(0x7F80))]  # below infinity


def test_the_oracle_and_the_wrong_choices_take_the_sizes_that_they_state(monkeypatch):
    asked = {}
    for module in (oracle_proof, wrong_choice):
        monkeypatch.setattr(module, "measure", lambda *_, m=module, **sizes: asked.update({m: sizes}))
    oracle_proof.oracle(quietly, 1)
    wrong_choice.wrong_choice(quietly, 1)
    assert asked[oracle_proof]["blocks"] >= 1_000_000
    assert asked[oracle_proof]["tiles"] > 0
    assert asked[wrong_choice]["shape"] == wrong_choice.SHAPE
    assert asked[wrong_choice]["seeds"] > asked[wrong_choice]["rechecked"] > 0


def test_the_vectors_of_every_mutant_s_recipe_are_counted(monkeypatch, tmp_path):
    seen = []
    found = {"vectors": 10, "differ": 0, "mutants": {"a": 3, "b": 0}, "not_killed": [], "least": ["v"]}
    monkeypatch.setattr(vectors, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"MANIFEST\.json is not here: run this in the project's folder"):
        vectors.vectors(quietly, 1)
    (tmp_path / vectors.MANIFEST).write_bytes(b"")
    names = list(dict.fromkeys(m.recipe for m in MUTANTS.values()))
    wrong = {names[0]: {"differ": 2}, names[1]: {"not_killed": ["b"]}}
    monkeypatch.setattr(vectors, "of_recipe", lambda name: found | wrong.get(name, {}))
    whole = vectors.vectors(lambda *done: seen.append(done), 1)
    assert seen == [(i, len(names)) for i in range(len(names) + 1)]
    assert whole.compared == 30 * len(names)  # each vector with each of two mutants, and without
    assert whole.unexplained == 3
    assert whole.figures["least"] == len(names)
    assert list(whole.figures["recipes"]) == names


# --- recipes without a step ----------------------------------------------------------------------------


def test_a_scale_path_without_an_integer_form_stops_the_proof(monkeypatch):
    monkeypatch.setattr(exact_scale, "products", quietly)  # it would have to be compiled
    b, r = np.zeros(1, np.uint32), PRESETS["4over6"]
    for change in ({"block_scale": BlockScale.DIVIDE_BY_DECODE}, {"map4_scale": Map4Scale.FROM_BLOCK_AMAX}):
        with pytest.raises(AssertionError, match="no integer form of"):
            scale_path_axes.exact_bases(b, b, 0, replace(r, name="other", **change))


def test_the_oracle_has_no_map_to_4_and_no_error_where_the_recipe_has_none():
    with pytest.raises(AssertionError, match="'nvfp4' has no map-to-4 candidate"):
        scales.map4_scale(0, 0, None, PRESETS["nvfp4"])
    trial = PRESETS["modelopt-4over6"]
    with pytest.raises(InputError, match="'modelopt-4over6' measures no value of its own codes"):
        errors.counts_as(0, 0, None, trial, unit=0)
    for r in (trial, PRESETS["nvfp4"]):
        with pytest.raises(InputError, match="its own codes have no error to make exact"):
            exact_error._decode_factor(None, r)


def test_a_trial_s_exact_error_is_in_the_form_of_its_dequantization():
    r = PRESETS["modelopt-4over6"]
    assert decode_form(r) == "D"
    assert decode_form(replace(r, name="other", dequantize=Dequantize.AMAX_DIVIDE)) == "A/C"
    assert decode_form(PRESETS["4over6"]) == "A/C"
    assert decode_form(PRESETS["te-mse-256-fast"]) == "1/S"


# --- engines -------------------------------------------------------------------------------------------


def test_the_compiled_engine_refuses_a_big_endian_machine(monkeypatch):
    assert fast.NumbaEngine().refuses(PRESETS["4over6"]) is None
    monkeypatch.setattr(fast.sys, "byteorder", "big")
    assert "little-endian" in fast.NumbaEngine().refuses(PRESETS["4over6"])


def test_scales_moved_by_ulps_are_left_to_the_model():
    """The reciprocal of s*D, moved far enough, moves codes: the compiled steps know nothing of it."""
    r = PRESETS["4over6"]
    x = make("normal", (32, 256), 1)
    plain = tensor_scales(np.abs(x).max(), r)
    moved = replace(plain, ulps=(0, 0, 999))
    got, want, unmoved = (
        [a.tobytes() for a in e.quantize(x, t, r)]
        for e, t in ((fast.NumbaEngine(), moved), (NumpyEngine(), moved), (NumpyEngine(), plain))
    )
    assert got == want != unmoved


def test_an_array_of_no_device_goes_through_the_host(monkeypatch):
    """Without torch and CuPy nobody can hold one; without the engine nobody takes it."""
    x, r = np.zeros((1, 16), np.float32), PRESETS["4over6"]
    for name in ("torch", "cupy"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("fos_ref.engines.on_device.import_module", lambda _: pytest.fail("asked"))
    assert quantize_on_device(x, r, Fixed()) is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "cupy", sys)
    monkeypatch.setattr("fos_ref.engines.on_device.DOOR", "fos_ref.no_such_door")
    assert quantize_on_device(x, r, Fixed()) is None


def test_the_checker_s_calls_are_listed_where_they_are_found():
    assert {"check", "conformance", "conformance_groups", "make"} <= {*dir(verify), "make"}
    assert dir(verify) == sorted(dir(verify))
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        verify.chekc  # noqa: B018
