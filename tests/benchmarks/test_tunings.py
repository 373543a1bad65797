"""The launches that are tried on a card: a recipe under a name that says its launch, and what was chosen."""

from __future__ import annotations

import fos_ref
from benchmarks.gpu import tunings
from fos_gpu.build import grid, kernels


def test_a_name_says_its_launch_and_another_name_that_of_the_product(monkeypatch):
    r = fos_ref.PRESETS["te-mae-448-row"]
    every = tunings.tunings(r, "bfloat16")
    assert len(every) == 1 + len(tunings.SHAPES) * len(tunings.WAVES)
    assert every["now"] == tunings.by_name(r, "bfloat16") == grid.tuning(r, "bfloat16")
    for t in every.values():
        assert tunings.by_name(tunings.named(r, t), "bfloat16") == t
    monkeypatch.setattr(kernels, "tuning", tunings.by_name)
    wanted = grid.Tuning(128, 5, 2)
    assert kernels.fast_options(tunings.named(r, wanted), "bfloat16", "sm_90")[-2:] == wanted.definitions


def test_the_launches_of_16_bit_inputs_are_those_that_were_measured():
    def of(name, dtype="bfloat16"):
        return tuple(grid.tuning(fos_ref.PRESETS[name], dtype))

    assert of("nvfp4") == (256, 4, 1)
    assert of("4over6") == of("4over6-mae", "float16") == (256, 4, 2)
    assert of("4over6-absmax") == (256, 4, 16)
    assert of("4over6-16x16") == of("te-mae-448-row") == (128, 8, 4)
    assert of("4over6", "float32") == of("4over6-absmax", "float32") == (256, 3, 1)
    assert of("nvfp4", "float32") == (256, 4, 1)
    assert of("4over6-16x16", "float32") == (256, 3, 16)
