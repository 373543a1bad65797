"""fouroversix's Triton kernel beside its presets: scales, words that all tiles share, codes, the choice."""

import numpy as np
import pytest

import fos_ref
from fos_ref.inputs.distributions import make

from .figures import note, Ran
from .programs import FOUROVERSIX

pytestmark = pytest.mark.peer
RAN = Ran("fouroversix (Triton interpreted, cvt.rs stood in for)", FOUROVERSIX.version)
SEED = 77
SHAPE = (128, 512)
FAMILIES = ("normal", "student-t3")
STYLES = {"": "stochastic", "-unbiased": "stochastic_unbiased"}
RULES = {"": "static_6", "-absmax": "abs_max"}
FEEDS = {"byte-lane": "byte-lane", "pair-reversed": "pair-bit-reversed"}


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("style", STYLES)
def test_no_byte_differs(tmp_path, style, rule, feed, evidence):
    for family in FAMILIES:
        x = make(family, SHAPE, 0, "float32")
        told = {"seed": SEED, "style": STYLES[style], "rule": RULES[rule], "feed": FEEDS[feed]}
        theirs = FOUROVERSIX.run(tmp_path, x=x, capability=10, **told)
        preset = f"fouroversix-triton-sr{style}{rule}-{feed}"
        ours = fos_ref.quantize(x, preset, random_bits=("fouroversix-triton", SEED, 0))
        codes = int((ours.codes != theirs["codes"]).sum())
        scales = int((ours.block_scales != theirs["scales"]).sum())
        note(evidence, preset, RAN, (x.size, family, "float32"), codes=codes, block_scales=scales)
        assert (codes, scales) == (0, 0)
        assert rule == "" or 0.05 < np.mean(ours.picked4) < 0.95
