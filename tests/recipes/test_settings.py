"""The settings of the peers' programs: each value leads to presets with the axes that it states."""

from __future__ import annotations

from itertools import combinations

import pytest

from fos_ref import PRESETS
from fos_ref.errors import RecipeError
from fos_ref.recipes import configured
from fos_ref.recipes.settings.peers import (
    FLASHINFER,
    FOUROVERSIX,
    program_of,
    PROGRAMS,
    TE_KERNELS,
    TE_REFERENCE,
)
from fos_ref.recipes.settings.program import holds
from tests.differential.peers.fouroversix import FourOverSix
from tests.differential.peers.te import TransformerEngine
from tests.meta.tree import ROOT

IDS = [p.name for p in PROGRAMS]


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_every_preset_of_a_program_has_its_own_settings(program):
    presets = program.presets()
    assert len(presets) > 1
    settings = [tuple(program.settings_of(r).items()) for r in presets]
    assert len(set(settings)) == len(presets)


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_every_value_of_every_setting_leads_to_a_preset_with_its_axes(program):
    for setting in program.settings:
        made = {value: [r for r in program.presets() if setting.of(r) == value] for value in setting.values}
        if setting.name == "FLASHINFER_NVFP4_4OVER6":
            del made["0"]  # plain NVFP4 by its kernels is no preset
        for value, presets in made.items():
            assert presets, (setting.name, value)
            assert all(holds(r, setting.values[value]) for r in presets)


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_presets_that_one_setting_parts_differ_in_an_axis_of_it(program):
    settings = {s.name: s for s in program.settings}
    pairs = [(a, b, program.change(a, b)) for a, b in combinations(program.presets(), 2)]
    single = [(a, b, *change) for a, b, change in pairs if len(change) == 1 and a.chooses == b.chooses]
    assert {name for _, _, name in single} >= {s.name for s in program.settings if s.choosing}
    for a, b, name in single:
        stated = {axis for axes in settings[name].values.values() for axis in axes}
        assert stated & set(a.diff(b)), (name, a.name, b.name)


def test_a_preset_belongs_to_one_program_at_most():
    for r in dict.fromkeys(PRESETS.values()):
        assert sum(p.makes(r) for p in PROGRAMS) <= 1, r.name


@pytest.mark.parametrize(
    ("peer", "program"), [(TransformerEngine, TE_REFERENCE), (FourOverSix, FOUROVERSIX)], ids=lambda p: p.name
)
def test_the_peers_suite_gives_the_program_these_arguments(peer, program):
    """It compares every byte of what comes out with the preset."""
    for name, arguments in peer.presets.items():
        stated = program.settings_of(PRESETS[name])
        for argument, value in arguments.items():
            assert stated[argument] == str(value), (name, argument)


def test_a_change_names_what_to_set_and_what_it_was():
    a, b = PRESETS["te-cuda-mae-448"], PRESETS["te-cuda-mse-256"]
    assert TE_KERNELS.change(a, b) == {
        "NVTE_NVFP4_4OVER6_ERR_MODE": ("MAE", "MSE"),
        "NVTE_NVFP4_4OVER6_E4M3_USE_256": ("none", "all"),
    }
    c = PRESETS["te-cuda-nvfp4"]
    assert TE_KERNELS.change(a, c) == {"NVTE_NVFP4_4OVER6": ("all", "none")}
    assert TE_KERNELS.change(c, a)["NVTE_NVFP4_4OVER6_ERR_MODE"] == (None, "MAE")


def test_flashinfer_s_fast_path_is_one_setting_away_from_its_strict_one():
    a, b = PRESETS["flashinfer-default-mse-448"], PRESETS["flashinfer-mse-448"]
    assert FLASHINFER.change(a, b) == {"FLASHINFER_DISABLE_FP4_QUANT_FAST_MATH": ("0", "1")}
    assert program_of(PRESETS["4over6"]) is None


def test_every_program_says_where_its_settings_were_read():
    assert all(p.source and p.how for p in PROGRAMS)


def test_the_document_lists_every_setting():
    text = (ROOT / "docs" / "divergences.md").read_text(encoding="utf-8")
    for program in PROGRAMS:
        for s in program.settings:
            values = " ".join(f"`{value}`" for value in s.values)
            axes = " ".join(f"`{axis}`" for axis in sorted({a for v in s.values.values() for a in v}))
            assert f"| {program.name} | `{s.name}` | {values} | {axes} |" in text


@pytest.mark.parametrize("program", PROGRAMS, ids=IDS)
def test_the_settings_of_a_preset_lead_back_to_it(program):
    for r in program.presets():
        made = configured(program.settings_of(r))
        assert r in made
        own = [m for m in made if program.makes(m)]
        assert all(program.settings_of(m).items() >= program.settings_of(r).items() for m in own)


def test_settings_that_no_program_has_are_refused():
    with pytest.raises(RecipeError, match="did you mean NVTE_NVFP4_4OVER6"):
        configured({"NVTE_NVFP4_4OVER7": "all"})
    with pytest.raises(RecipeError, match="TransformerEngine"):
        configured({"NVTE_NVFP4_4OVER6": "all", "FLASHINFER_NVFP4_4OVER6": "1"})
    with pytest.raises(RecipeError, match="one of MAE, MSE is allowed"):
        configured({"NVTE_NVFP4_4OVER6_ERR_MODE": "mse"})


def test_fewer_settings_fit_more_presets():
    one = configured({"NVTE_NVFP4_4OVER6": "all"})
    two = configured({"NVTE_NVFP4_4OVER6": "all", "NVTE_NVFP4_4OVER6_ERR_MODE": "MSE"})
    assert set(two) < set(one)
    assert {r.name for r in two} >= {"te-cuda-mse-256", "te-cuda-mse-448-fast"}
