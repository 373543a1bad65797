"""Peers' own programs on a tensor: prepared once, so that only their own call is timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fos_ref
from benchmarks.subjects import Bits
from fos_ref.formats.arrays import AnyArray
from fos_ref.recipes.recipe import BLOCK
from tests.differential.peers.base import Peer, PeerMissing, scale_bytes, to_torch
from tests.differential.peers.fouroversix import FourOverSix
from tests.differential.peers.te import TransformerEngine


@dataclass(frozen=True, slots=True)
class Prepared:
    """A peer's call on one tensor, and its result as the bits that are compared."""

    name: str
    version: str
    recipe: str  #: the preset that has its bits
    run: Callable[[], Any]
    bits: Callable[[Any], Bits]


def _te(x: AnyArray, threads: int) -> Prepared:
    """Return the quantizer of TransformerEngine's Python reference; it takes the amax too."""
    peer, recipe = TransformerEngine(), "te-mse-256"
    module, tensor = peer.load(), to_torch(x)
    _use(threads)
    quantizer = module.NVFP4QuantizerRef(
        dtype=module.reference_utils.Fp4Formats.E2M1, rowwise=True, columnwise=False, **peer.presets[recipe]
    )
    return Prepared(
        "TransformerEngine, Python reference",
        peer.version,
        recipe,
        lambda: quantizer._quantize(tensor),  # noqa: SLF001 -- it has no public call without its library
        lambda out: (out[0].numpy(), scale_bytes(out[1])),
    )


def _four_over_six(x: AnyArray, threads: int) -> Prepared:
    """Return the public call of fouroversix on its PyTorch backend; it takes the amax too."""
    peer, recipe = FourOverSix(), "fouroversix-mse"
    peer.load()
    from fouroversix import QuantizationConfig, quantize_to_fp4  # noqa: PLC0415 -- loaded where installed

    _use(threads)
    tensor, arguments, (rows, cols) = to_torch(x), peer.presets[recipe], x.shape

    def bits(q: Any) -> Bits:
        scales = fos_ref.unswizzle(scale_bytes(q.scale_factors), rows, cols // BLOCK)
        return q.values.numpy()[:rows, : cols // 2], scales

    return Prepared(
        "fouroversix, PyTorch on the CPU",
        peer.version,
        recipe,
        lambda: quantize_to_fp4(tensor, QuantizationConfig(backend="pytorch", **arguments)),
        bits,
    )


def _use(threads: int) -> None:
    """Give torch as many threads as ours have; loading a peer for the tests leaves it one."""
    import torch  # noqa: PLC0415 -- the peer has loaded it

    torch.set_num_threads(threads)


PEERS: dict[Peer, Callable[[AnyArray, int], Prepared]] = {
    TransformerEngine(): _te,
    FourOverSix(): _four_over_six,
}


def prepared(x: AnyArray, threads: int) -> tuple[list[Prepared], dict[str, str]]:
    """Return the peers that are installed, on `threads` threads, and why the others are not run."""
    found, missing = [], {}
    for peer, make in PEERS.items():
        try:
            found.append(make(x, threads))
        except (PeerMissing, AssertionError) as e:
            missing[f"{peer.name} {peer.version}"] = str(e)
    return found, missing
