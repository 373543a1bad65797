"""Peers beside us: gfloat's three stochastic rules, and fouroversix's reference with its own draws."""

import numpy as np
import pytest

from fos_ref.formats import BFLOAT16, decode, E2M1, E4M3
from fos_ref.random import Rule, stochastic
from fos_ref.random.programs import fouroversix_torch

BYTES = np.arange(256)
MODES = {Rule.A: "StochasticFastest", Rule.B: "StochasticFast", Rule.C: "Stochastic"}
FORMATS = {"E2M1": (E2M1, "format_info_ocp_e2m1", 0x4100), "E4M3": (E4M3, "format_info_ocp_e4m3", 0x43E0)}


@pytest.mark.peer
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rule", MODES)
def test_gfloat_has_the_three_rules_over_every_byte_and_every_bfloat16(name, rule):
    """E2M1: every bfloat16 from 0 to below 8. E4M3: from 0 to its largest value."""
    gfloat = pytest.importorskip("gfloat", reason="pip install gfloat==0.5.2")
    formats = pytest.importorskip("gfloat.formats")
    ours, theirs, last = FORMATS[name]
    values = decode(np.arange(last), BFLOAT16)
    mode = getattr(gfloat.RoundMode, MODES[rule])
    differing = 0
    for part in np.array_split(values, 64):
        v, r = np.repeat(part, 256), np.tile(BYTES, len(part))
        want = gfloat.round_ndarray(getattr(formats, theirs), v, mode, sat=True, srbits=r, srnumbits=8)
        differing += int((decode(stochastic(v, r, rule, 8, ours), ours) != want).sum())
    assert differing == 0


@pytest.mark.peer
def test_fouroversix_s_reference_gives_our_codes_for_its_own_draws():
    """2^20 values, and each bfloat16 below 8 with a draw of its own."""
    torch = pytest.importorskip("torch", reason="pip install torch==2.13.0")
    reference = pytest.importorskip("fouroversix.quantize.pytorch.reference", reason="fouroversix 1.0.5")
    style = pytest.importorskip("fouroversix.utils").RoundStyle.stochastic
    drawn = np.random.default_rng(0).uniform(-7, 7, 1 << 20).astype(np.float32)
    for y in (drawn, decode(np.arange(0x4100), BFLOAT16).astype(np.float32)):
        torch.manual_seed(5)
        got = reference.fake_quantize_to_e2m1(torch.from_numpy(y), round_style=style).numpy()
        torch.manual_seed(5)
        uniform = torch.rand_like(torch.from_numpy(y)).numpy()
        ours = decode(fouroversix_torch(y, uniform), E2M1)
        assert int(((ours != got) | (np.signbit(ours) != np.signbit(got))).sum()) == 0
    beyond = np.array([np.inf, -np.inf, 2.0**127, np.nan], np.float32)  # the package refuses them
    assert np.isnan(
        reference.fake_quantize_to_e2m1(torch.from_numpy(beyond), round_style=style).numpy()
    ).all()
