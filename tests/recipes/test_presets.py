"""The presets: their names, their pinned identity, their sources, and inputs on which they part.

The inputs are small enough to follow by hand. The model and the exact oracle both have to give the bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import fos_ref
from fos_ref.oracle import quantize as oracle
from fos_ref.oracle.exact import from_bits
from fos_ref.oracle.scales import tensor_scales
from fos_ref.recipes.axes import BlockScale, Candidates, ErrorMetric, Tie
from tests.every import every

PINNED = json.loads(Path(__file__).with_name("fingerprints.json").read_text(encoding="utf-8"))
#: repo@commit:path::symbol, or a release where that was read; the symbol of a whole file is (whole file)
SOURCE = re.compile(r"[\w-]+/[\w.-]+@([0-9a-f]{40}|\d+(\.\d+)+):\S+::\(?\w+")
NAMES = ["nvfp4", "4over6", "4over6-mse", "4over6-mae", "4over6-absmax"]
NAMES += ["4over6-16x16", "4over6-mse-16x16", "4over6-mae-16x16", "4over6-absmax-16x16"]
NAMES += ["te-nvfp4", "te-nvfp4-row", "te-nvfp4-16x16"]
for _metric, _bound, _fast in product(("mae", "mse"), (256, 448), ("", "-fast")):
    NAMES += [f"te-{_metric}-{_bound}{_fast}{tail}" for tail in ("", "-16x16", "-row")]
    NAMES += [f"flashinfer-{_metric}-{_bound}{_fast}{tail}" for tail in ("", "-row")]
for _rule in ("mse", "mae", "absmax", "static6", "static4"):
    NAMES += [f"fouroversix-{_rule}", f"fouroversix-{_rule}-16x16"]
    NAMES += [f"fouroversix-cuda-{_rule}", f"fouroversix-cuda-{_rule}-16x16"]
for _rule in ("absmax", "static6", "static4"):
    NAMES += [f"fouroversix-triton-{_rule}", f"fouroversix-triton-{_rule}-16x16"]
NAMES += [f"te-cuda-{n.removeprefix('te-')}" for n in NAMES if n.startswith("te-")]
NAMES += [n.replace("flashinfer-", "flashinfer-default-") for n in NAMES if n.startswith("flashinfer-")]
NAMES += [f"fouroversix-if4-{_metric}" for _metric in ("mse", "mae", "absmax")]
for _metric in ("mse", "mae", "absmax"):
    NAMES += [f"fouroversix-if4-{_metric}-{_tail}" for _tail in ("16x16", "bs8")]
    NAMES += [f"fouroversix-{_pair}-{_metric}" for _pair in ("if3", "if6-e2m3", "if6-e3m2")]
NAMES += [
    f"fouroversix-{_n}" for _n in ("nvfp6-e2m3", "nvfp6-e3m2", "nvint6", "nvfp3", "nvint3", "nvfp4-bs8")
]
NAMES += [f"ocp-{_n}" for _n in ("mxfp6-e2m3", "mxfp6-e3m2", "mxfp8-e4m3", "mxfp8-e5m2", "mxint8")]
NAMES += ["auto-round-nvfp4-e5m3", "ggml-nvfp4"]
NAMES += ["fouroversix-nvint4", "fouroversix-mxfp4-static6", "fouroversix-mxfp4-static4"]
NAMES += ["modelopt-nvfp4", "modelopt-4over6", "compressed-tensors-nvfp4", "torchao-nvfp4"]
NAMES += [
    "ocp-mxfp4",
    "microxcaling-mxfp4-nearest",
    "compressed-tensors-mxfp4",
    "modelopt-mxfp4",
    "qwix-mxfp4",
]
NAMES += [f"torchao-mxfp4-{_mode}" for _mode in ("floor", "ceil", "even", "rceil")]
NAMES += ["mlx-mxfp4", "mlx-metal-mxfp4-nearest"]
NAMES += [f"llmcompressor-4over6-{_metric}" for _metric in ("mse", "mae", "absmax")]
for _metric, _bound in product(("mae", "mse"), (256, 448)):
    NAMES += [f"torchao-{_metric}-{_bound}", f"torchao-{_metric}-{_bound}-16x16"]
NAMES += ["quartet2-nvfp4", "quartet2-4over6"]
NAMES += [f"quartet2-triton-{_n}{_tail}" for _n in ("nvfp4", "4over6") for _tail in ("", "-16x16")]
NAMES += ["quartet2-simulator-nvfp4", "quartet2-simulator-nvfp4-16x16"]
NAMES += [f"flashinfer-{_way}nvfp4{_tail}" for _way in ("", "default-") for _tail in ("", "-row")]
NAMES += ["auto-round-nvfp4", "vllm-nvfp4-emulation", "sglang-nvfp4-online"]
NAMES += ["flashinfer-kv-nvfp4", "flashinfer-kv-4over6", "fp-quant-nvfp4"]
NAMES += [f"mlx-{_n}" for _n in ("cpu-nvfp4", "cpu-nvfp4-unscaled", "metal-nvfp4", "cuda-nvfp4")]
NAMES += ["gptqmodel-4over6", "gptqmodel-4over6-headroom"]
NAMES += ["qwix-nvfp4"]
NAMES += ["auto-round-nvfp4-search", "llmcompressor-expanded-mse", "scale-optimum"]
NAMES += ["razer-4over6", *(f"fpquant-4over6-{_metric}" for _metric in ("mse", "mae", "absmax"))]
NAMES += ["torchao-train-nvfp4", "torchao-train-nvfp4-16x16"]
#: Second names: the bits of plain recipes.
OPERANDS = [f"{_program}-train-{_n}" for _program in ("te", "torchao") for _n in ("input", "weight")]
NAMES += OPERANDS
_CVT_RS = ("", "-byte-lane", "-pair-reversed")
RANDOM = [f"{_p}-train-gradient{_tail}" for _p in ("te", "torchao") for _tail in _CVT_RS]
RANDOM += ["te-train-gradient-software", "te-train-gradient-cvt-rs"]
RANDOM += [f"fouroversix-sr{_u}{_n}" for _u in ("", "-unbiased") for _n in ("", "-4over6")]
for _n in ("sr", "sr-unbiased", "sr-absmax", "sr-unbiased-absmax"):
    RANDOM += [f"fouroversix-triton-{_n}{_tail}" for _tail in _CVT_RS]
RANDOM += ["quartet2-eden", *(f"quartet2-simulator-{_n}" for _n in ("eden", "sr", "sr-4over6"))]
EVERY = {**fos_ref.PRESETS, **fos_ref.STOCHASTIC}


def test_every_public_name_is_there():
    assert sorted(NAMES) == sorted(fos_ref.PRESETS)
    assert sorted(RANDOM) == sorted(fos_ref.STOCHASTIC)


def test_random_bits_tell_the_two_lists_apart():
    assert not any(r.stochastic for r in fos_ref.PRESETS.values())
    assert all(r.stochastic for r in fos_ref.STOCHASTIC.values())
    assert all(fos_ref.recipe(name) is r for name, r in EVERY.items())


@every(EVERY)
def test_the_fingerprint_is_the_pinned_one(name):
    """A change here changes bits: if it is meant, run write_fingerprints.py and say so in CHANGELOG.md."""
    assert EVERY[name].fingerprint() == PINNED.get(name, "not pinned: run write_fingerprints.py")


def test_no_pinned_preset_has_gone():
    assert sorted(set(PINNED) - set(EVERY)) == []


def test_presets_are_read_only():
    with pytest.raises(TypeError):
        fos_ref.PRESETS["nvfp4"] = None


@every(EVERY)
def test_every_preset_says_where_it_was_learnt(name):
    r = EVERY[name]
    assert r.evidence in ("ran", "read", "own")
    own = name in ("nvfp4", "scale-optimum") or name.startswith(("ocp-", "4over6"))
    assert own == (r.evidence == "own")
    assert own != bool(SOURCE.match(r.source))


@every([n for n in fos_ref.PRESETS if n not in OPERANDS])
def test_the_name_says_what_the_axes_are(name):
    r = fos_ref.PRESETS[name]
    words = name.split("-")
    assert ("16x16" in words) == (r.block_rows == 16)
    assert ("row" in words) == (r.amax_scope.value == "row")
    metric = [m for m in ErrorMetric if m.value in words]
    assert metric in ([], [r.error_metric]) or r.error_metric is ErrorMetric.POWER
    plain = bool({"nvfp4", "mxfp4", "static6"} & set(words)) and "static4" not in words
    plain = plain and name not in ("sglang-nvfp4-online", "auto-round-nvfp4-search")
    assert plain == (r.candidates is Candidates.SIX)
    assert [int(w) for w in words if w in ("256", "448")] in ([], [r.scale_max])
    assert ("bs8" in words) == (r.block_cols == 8)
    assert [w.upper() for w in words if re.fullmatch(r"e\dm\d", w)] in ([], [_format_of(r, name)])


def _format_of(r: fos_ref.Recipe, name: str) -> str:
    """Return the format that a name has in it: that of the scales where they are E5M3, else of elements."""
    return r.scale_format.value if name.endswith("e5m3") else r.element.first.format.name


def block(values: dict[int, float]) -> np.ndarray:
    """Return one block of 16 with the given values."""
    x = np.zeros((1, 16), np.float32)
    for i, v in values.items():
        x[0, i] = v
    return x


def result(name, x, amax) -> tuple[str, str]:
    """Return the block scale byte and the packed codes in hex."""
    q = fos_ref.quantize(x, name, amax=np.float32(amax))
    return q.block_scales.tobytes().hex(), q.codes.tobytes().hex()


OVERFLOW = block({0: float.fromhex("0x1.4cp-17"), 1: -float.fromhex("0x1.4cp-17")})
OVERFLOW_STATIC = block({0: float.fromhex("0x1.7cp-18"), 1: -float.fromhex("0x1.7cp-18")})
ZERO_SCALE = block({0: 1e-7, 1: -1e-7})
SUM_ORDER = block({1: 2**-7, 4: 0.3125, 5: -0.25, 6: 0.3125, 13: 0.4375, 14: 0.0546875})
ERROR_FORM = block(
    {1: -0.0390625, 5: -0.013671875, 6: -0.009765625, 9: -0.01953125, 10: -0.0010986328125}
    | {12: -0.00537109375, 15: -0.005859375}
)
EXACT_TIE = block(
    {0: 0.21875, 1: 0.4375, 2: -0.5, 3: 0.625, 4: -0.15625, 5: -0.3125, 6: -0.0546875, 7: 1.25, 8: 0.875}
    | {9: 0.625, 10: 0.0390625, 11: -1.5, 12: 0.3125, 13: -0.875, 14: -0.125, 15: -0.09375}
)
FOLDED = block(
    {0: -0.049072265625, 1: -0.04541015625, 7: -0.439453125, 10: -0.37109375, 11: 0.08642578125}
    | {14: -0.25390625}
)
ENCODED = block({4: 0.021484375, 7: -0.15234375})
SIGNED_ZEROS = block({0: 1, 1: -0.0, 2: -1e-3})

PARTINGS = [
    ("a scaled value of 8 wraps to code 8", "fouroversix-mse", OVERFLOW, 1, "01", "8800000000000000"),
    ("and saturates elsewhere", "te-mse-256", OVERFLOW, 1, "02", "e600000000000000"),
    ("also without a choice", "fouroversix-static6", OVERFLOW_STATIC, 1, "01", "8800000000000000"),
    ("and saturates elsewhere", "te-nvfp4", OVERFLOW_STATIC, 1, "01", "f700000000000000"),
    ("scale 0, codes 0", "fouroversix-mse", ZERO_SCALE, 1, "00", "0000000000000000"),
    ("scale 0, codes 0", "4over6", ZERO_SCALE, 1, "00", "0000000000000000"),
    ("scale 0, codes +-6", "te-mse-256", ZERO_SCALE, 1, "00", "f700000000000000"),
    ("scale 0, codes +-6", "flashinfer-mse-256", ZERO_SCALE, 1, "00", "f700000000000000"),
    ("torch's order of the sum", "fouroversix-mse", SUM_ORDER, 4, "5e", "0000d60600007001"),
    ("the sum in order", "te-mse-256", SUM_ORDER, 4, "62", "0000c50500006001"),
    ("(q*s)*D", "flashinfer-mse-256", ERROR_FORM, 4, "47", "e000b00ac0080990"),
    ("((q*s)*A)/C", "te-mse-256", ERROR_FORM, 4, "42", "f000c00bd0080aa0"),
    ("the error of scaled values", "te-mae-256-fast", EXACT_TIE, 4.5, "70", "213ba95834e0c289"),
    ("an exact tie goes to six", "te-mae-256", EXACT_TIE, 4.5, "6b", "324ca96845f0d299"),
    ("(b/6)*S", "te-mse-256", FOLDED, 4.5, "5c", "990000f0002f000e"),
    ("-0.0 gives +0, -0.001 gives -0", "te-mse-256", SIGNED_ZEROS, 1, "78", "0708000000000000"),
    ("-0.0 gives +0, -0.001 gives -0", "fouroversix-mse", SIGNED_ZEROS, 1, "78", "0708000000000000"),
    ("-0.0 keeps its sign", "4over6", SIGNED_ZEROS, 1, "78", "8708000000000000"),
    ("the bound is 256", "te-mse-256", block({0: 1, 1: 0.3}), 4, "68", "4700000000000000"),
    ("the bound is 448", "te-mse-448", block({0: 1, 1: 0.3}), 4, "6e", "4700000000000000"),
    ("a tiny amax clamps S", "te-mse-256", block({0: 1e-38}), 1e-38, "31", "0500000000000000"),
    ("an infinite S makes NaN codes", "fouroversix-mse", block({0: 1e-38}), 1e-38, "7e", "bb" * 8),
    ("and a zero block NaN scales", "fouroversix-mse", block({}), 1e-38, "ff", "bb" * 8),
    ("an amax too small saturates", "te-mse-256", block({0: 4}), 1, "7e", "0700000000000000"),
    ("S is RN(1/A)*C", "flashinfer-nvfp4", block({14: 2**-11 * 0.9375}), 5, "13", "0000000000000007"),
    ("S is C/A", "te-cuda-nvfp4", block({14: 2**-11 * 0.9375}), 5, "12", "0000000000000007"),
    ("S is the reciprocal of A/C", "sglang-nvfp4-online", ENCODED, 5.5, "59", "000001e000000000"),
    ("S is C/A", "flashinfer-mse-448-fast", ENCODED, 5.5, "54", "000002f000000000"),
    ("scale 0, multiplier 0", "flashinfer-default-nvfp4", ZERO_SCALE, 1, "00", "8000000000000000"),
    ("scale 0, multiplier 0, no -0", "auto-round-nvfp4", ZERO_SCALE, 1, "00", "0000000000000000"),
    ("scale 0, multiplier 1e-8", "vllm-nvfp4-emulation", ZERO_SCALE, 1, "00", "8000000000000000"),
    ("which is not 0", "vllm-nvfp4-emulation", block({0: 1e9, 1: -1e7}), 1e18, "00", "8700000000000000"),
    ("an infinite S: m is 0", "auto-round-nvfp4", block({0: 1e-38}), 1e-38, "7e", "0000000000000000"),
    ("or infinite", "flashinfer-default-nvfp4", block({0: 1e-38}), 1e-38, "7e", "7777777777777777"),
    ("b*(1/(6*D))", "flashinfer-kv-nvfp4", block({0: 0.625 * 2**-15}), 1.25, "04", "0700000000000000"),
    ("scale 0, 0 * infinity is NaN", "mlx-cuda-nvfp4", ZERO_SCALE, 1, "00", "f777777777777777"),
    ("scale 0, infinities give 0", "mlx-cpu-nvfp4", ZERO_SCALE, 1, "00", "0000000000000000"),
    ("scale 0, multiplier 0", "mlx-metal-nvfp4", ZERO_SCALE, 1, "00", "8000000000000000"),
    ("a midpoint to the smaller", "mlx-cpu-nvfp4", block({0: 6, 1: 0.75}), 2688, "38", "1700000000000000"),
    ("a midpoint to the smaller", "fp-quant-nvfp4", block({0: 6, 1: 0.75}), 2688, "38", "1700000000000000"),
    ("a midpoint to even", "mlx-metal-nvfp4", block({0: 6, 1: 0.75}), 2688, "38", "2700000000000000"),
    ("-0.1 gives +0", "mlx-cpu-nvfp4", block({0: 6, 1: -0.1, 2: -0.0}), 2688, "38", "0700000000000000"),
    ("-0.1 gives -0", "mlx-cuda-nvfp4", block({0: 6, 1: -0.1, 2: -0.0}), 2688, "38", "8708000000000000"),
    ("a tie goes to four", "gptqmodel-4over6-headroom", block({0: 3}), 2688, "34", "0600000000000000"),
    ("and a zero block has scale 1", "gptqmodel-4over6", block({}), 5, "38", "0000000000000000"),
    ("the largest block maps to 4", "gptqmodel-4over6", block({0: 5, 1: 3.75}), 5, "7e", "5600000000000000"),
    (
        "no tensor scale: a small block's scale is 0",
        "qwix-nvfp4",
        block({0: 1e-4}),
        1,
        "00",
        "8788888888888888",
    ),
    ("and a tiny block's is 1", "qwix-nvfp4", block({0: 1e-30, 1: -1e-30}), 1, "38", "8000000000000000"),
    ("every zero is -0", "fpquant-4over6-mse", block({0: 6, 1: 0.1}), 2688, "38", "8788888888888888"),
    ("scale 0, divisor 1", "fpquant-4over6-mse", block({0: 2}), 1e6, "00", "8488888888888888"),
    ("no scale is 0", "razer-4over6", block({0: 2}), 1e6, "01", "0500000000000000"),
    ("a midpoint to the smaller", "razer-4over6", block({0: 3, 1: 0.875}), 2688, "30", "3700000000000000"),
    ("the first of equals is 1.00", "auto-round-nvfp4-search", block({0: 3}), 2688, "30", "0700000000000000"),
    ("the smallest of equals", "scale-optimum", block({}), 5, "01", "0000000000000000"),
    ("or wraps", "fouroversix-static6", block({0: 4}), 1, "7e", "0b00000000000000"),
]


@pytest.mark.parametrize("row", PARTINGS, ids=lambda row: f"{row[1]}: {row[0]}")
def test_presets_part_where_their_sources_do(row):
    why, name, x, amax, scale, codes = row
    assert result(name, x, amax) == (scale, codes), why
    assert oracle_result(name, x, amax) == (scale, codes), why


def oracle_result(name, x, amax) -> tuple[str, str]:
    """Return the same two from the exact oracle."""
    r = fos_ref.PRESETS[name]
    bits = [int(b) for b in x.view(np.uint32)[0]]
    scales = tensor_scales(from_bits(int(np.float32(amax).view(np.uint32))), r)
    b = oracle.quantize_block(bits, scales, r)
    pairs = zip(b.codes[::2], b.codes[1::2], strict=True)
    return f"{b.scale_code:02x}", bytes(low & 0xFF | high << 4 & 0xFF for low, high in pairs).hex()


def test_n13_the_tie_rule_decides_an_exact_tie():
    four_wins = replace(fos_ref.PRESETS["te-mae-256"], name="control", tie=Tie.FOUR)
    assert result(four_wins, EXACT_TIE, 4.5) == ("70", "213ba95834e0c289")


def test_n5b_a_folded_reciprocal_decides_a_choice():
    folded = replace(fos_ref.PRESETS["te-mse-256"], name="folded", block_scale=BlockScale.FOLDED_RECIPROCAL)
    assert result(folded, FOLDED, 4.5) == ("61", "990000e0002e000c")


def test_n6_the_expansion_comes_before_the_rounding():
    """112 * 1.5 = 168 would round to 160 or 176 (a tie, to 160); the unrounded scale gives 176."""
    t = fos_ref.trace(block({0: 2.6875}), "4over6", amax=np.float32(6))
    assert (t.map6.scale[0, 0], t.map4.scale[0, 0]) == (112, 176)
