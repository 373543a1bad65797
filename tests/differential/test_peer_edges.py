"""The ends of float32 beside the peers: tiny, huge, non-finite tensors, and a caller's wrong amax."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fos_ref
from fos_ref.errors import InputError
from fos_ref.inputs.distributions import DTYPES
from fos_ref.recipes.axes import ElementFormat, ElementNan, NonFinite, ScaleFormat
from fos_ref.storage.layout import pack_nibbles, unpack_nibbles

from . import edges
from .divergences import Divergence, DIVERGENCES
from .mismatch import by_block, differing, first_mismatch
from .peers.base import Output, vector_unit
from .peers.catalog import PEER_OF
from .test_divergences import amax_for, text
from .test_peers import loaded

pytestmark = pytest.mark.peer
PRESETS = sorted(PEER_OF)
SIGN = np.uint8(0x80)
NAN = np.uint8(0x7F)


def run_peer(preset: str, x: np.ndarray, amax: np.ndarray | None = None) -> Output:
    """Run the peer; skip where its codes of a NaN would have the other sign."""
    peer = loaded(preset)
    if fos_ref.recipe(preset).element_nan is ElementNan.WRAPS and not vector_unit():
        pytest.skip("torch runs without AVX2: its NaN is positive (code 3, scale 7F), not negative")
    return peer.run(preset, x, amax)


def compare(preset: str, x: np.ndarray, label: str, amax: np.ndarray | None = None) -> str:
    """Return the first mismatch, "" where there is none; the recipe is that of the peer's release."""
    got = fos_ref.quantize(x, PEER_OF[preset].released(preset), amax=amax, engine="numpy")
    got, want = (defined(one_nan_code(q, preset), preset, x) for q in (got, run_peer(preset, x, amax)))
    if not any(differing(got, want).values()):
        return ""
    return f"{preset}, {label}, {x.dtype}, amax {amax}\n{first_mismatch(x, got, want)}"


def one_nan_code(q: Output | fos_ref.QuantizedTensor, preset: str) -> Any:
    """Return q with one code for all that its peer may give to a NaN, in blocks whose scale is NaN."""
    nan_codes = PEER_OF[preset].nan_codes.get(preset)
    if nan_codes is None:
        return q
    e4m3 = fos_ref.recipe(preset).scale_format is ScaleFormat.E4M3
    nan = (q.block_scales & NAN) == NAN if e4m3 else q.block_scales == SIGN | NAN
    codes = by_block(unpack_nibbles(q.codes), nan.shape)
    codes[nan[..., None] & np.isin(codes, nan_codes)] = nan_codes[0]
    return Output(pack_nibbles(codes.reshape(len(codes), -1)), q.block_scales, q.picked4)


def defined(q: Output | fos_ref.QuantizedTensor, preset: str, x: np.ndarray) -> Any:
    """Return q with zeros for the blocks whose bytes the peer's program does not define."""
    where = PEER_OF[preset].undefined.get(preset)
    if where is None:
        return q
    amax = np.abs(by_block(x.astype(np.float32), q.block_scales.shape)).max(axis=-1)
    known = ~where(amax)
    codes = by_block(q.codes, known.shape) * known[..., None]
    return Output(codes.reshape(q.codes.shape), q.block_scales * known, q.picked4)


def narrowed(x: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        y = x.astype(DTYPES[dtype])
    return np.where(np.isfinite(x) & ~np.isfinite(y), np.sign(x).astype(y.dtype), y)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("preset", PRESETS)
def test_finite_ends(preset: str, dtype: str) -> None:
    tensors = {n: x for n, x in edges.finite_edges().items() if n not in PEER_OF[preset].apart}
    found = [compare(preset, narrowed(x, dtype), name) for name, x in tensors.items()]
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("preset", PRESETS)
def test_callers_amax(preset: str) -> None:
    """22 amaxes from 0 to FLT_MAX on six families: too small, too large, zero and subnormal ones included."""
    found = []
    for number, amax in enumerate(edges.AMAXES):
        if f"amax {amax:.6g}" in PEER_OF[preset].apart:
            continue
        x = edges.families(("float32", "bfloat16")[number % 2])
        given = edges.for_recipe(amax, fos_ref.recipe(preset), x)
        found.append(compare(preset, x, "six families", given))
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("divergence", DIVERGENCES, ids=lambda d: f"item {d.item}")
def test_the_bytes_of_the_divergences_are_the_peers(divergence: Divergence) -> None:
    for preset in divergence.outputs:
        if preset in PEER_OF:
            amax = amax_for(fos_ref.recipe(preset), divergence.amax)
            assert text(loaded(preset).run(preset, divergence.x, amax)) == divergence.outputs[preset], preset


def refused_by_both(preset: str, x: np.ndarray) -> None:
    """Check that the recipe and its peer's program refuse x."""
    with pytest.raises(InputError):
        fos_ref.quantize(x, preset, engine="numpy")
    with pytest.raises(ValueError, match="finite"):
        loaded(preset).run(preset, x)


def without_nan_sign(q: Output | fos_ref.QuantizedTensor, preset: str) -> Any:
    """Return the bytes with 0xFF, a NaN scale with its sign bit, as 0x7F.

    The sign of a NaN is not defined by the peers' programs but by torch's vector units: with
    ATEN_CPU_CAPABILITY=default every NaN input gives 0x7F, with AVX2 and AVX-512 it is 0xFF or 0x7F by dtype
    and by the place of the block in its vector.
    """
    if fos_ref.recipe(preset).scale_format is not ScaleFormat.E4M3:
        return q
    scales = np.where(q.block_scales == SIGN | NAN, NAN, q.block_scales)
    return Output(q.codes, scales, q.picked4)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("preset", PRESETS)
def test_nan_and_infinity(preset: str, dtype: str) -> None:
    for name, x32 in edges.nonfinite_edges().items():
        if name in PEER_OF[preset].apart:
            continue
        with np.errstate(invalid="ignore"):
            x = x32.astype(DTYPES[dtype])
        if fos_ref.recipe(preset).nonfinite is NonFinite.RAISE:
            refused_by_both(preset, x)
            continue
        ours = fos_ref.quantize(x, PEER_OF[preset].released(preset), engine="numpy")
        both = (one_nan_code(without_nan_sign(q, preset), preset) for q in (run_peer(preset, x), ours))
        want, got = (defined(q, preset, x) for q in both)
        assert not any(differing(got, want).values()), f"{preset}, {name}\n{first_mismatch(x, got, want)}"


NV_FOUROVERSIX = [
    p for p in PRESETS if p.startswith("fouroversix") and fos_ref.recipe(p).scale_format is ScaleFormat.E4M3
]


@pytest.mark.parametrize("preset", NV_FOUROVERSIX)
def test_zero_block_of_a_tiny_tensor_is_a_nan_with_its_sign(preset: str) -> None:
    """The encode scale is infinite, and 0 * infinity is the NaN with the sign bit: byte 0xFF, codes 0xB.

    INT4 has no NaN: codes 0; for IF4 the NaN's sign bit is the flag that says INT4.
    """
    x = np.zeros((16, 32), dtype=np.float32)
    x[:, 0] = 1e-37
    want = run_peer(preset, x)
    got = fos_ref.quantize(x, preset, engine="numpy")
    assert (got.block_scales[:, 1] == 0xFF).all()
    is_e2m1 = fos_ref.recipe(preset).element_format is ElementFormat.E2M1
    assert (got.codes[:, 8:] == (0xBB if is_e2m1 else 0)).all()
    assert not any(differing(got, want).values()), first_mismatch(x, got, want)
