"""One corpus, one hash: the bits of every preset do not depend on the machine that computes them.

Every byte that `quantize` returns and every value that `dequantize` makes of it goes into the hash, floats as
their bits, least significant byte first. One thing is made equal before hashing: a NaN in a float result
counts as positive and quiet with no payload (7FC00000; 7E00 and 7FC0 in 16 bits), because IEEE 754 leaves
sign and payload open and CPUs differ there: x86 makes a negative one, Arm a positive one. Zeros keep their
signs. Inputs are hashed as they are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.engines.front import dequantize, quantize, trace
from fos_ref.errors import InputError
from fos_ref.formats.arrays import AnyArray
from fos_ref.model.trace import Candidate
from fos_ref.proof.corpus_inputs import FULL, Given, inputs, SMALL
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.catalog import PRESETS
from fos_ref.recipes.presets.own import ALIASES
from fos_ref.recipes.recipe import Recipe
from fos_ref.vectors.editions import YOUNGER

#: The hash of all results, by size. It changes when a preset or a family of inputs is added, and when a bit
#: of an existing one moves, which CHANGELOG.md then has to explain.
KNOWN = {
    "small": "8654fac3708d1937dd90f03de455971dffeb8958bb970344a4896602d0c94dd8",
    "full": "218bd2c643ffe25ee8f5ac2edbc17608b8765a73f6b49d0a42098e2f18ccf438",
}
SIZES = {size.name: size for size in (SMALL, FULL)}
#: The presets whose hashes are known; younger ones would be another corpus.
NAMES = tuple(name for name in PRESETS if name not in ALIASES and name not in YOUNGER)
BLOCKS = tuple(sorted({(r.block_rows, r.block_cols) for r in map(PRESETS.__getitem__, NAMES)}))
#: dtype of a float result -> (bits of infinity, of the NaN that all its NaN count as)
_NAN = {
    np.dtype(np.float32): (0x7F800000, 0x7FC00000),
    np.dtype(np.float16): (0x7C00, 0x7E00),
    np.dtype(ml_dtypes.bfloat16): (0x7F80, 0x7FC0),
}
#: (family of inputs, blocks, sha256 of the results)
Part = tuple[str, int, bytes]
inputs_of = cache(inputs)


def plain_bytes(a: AnyArray) -> bytes:
    """Return the bit patterns of an array, least significant byte first on any machine."""
    bits = np.ascontiguousarray(a).view(f"u{a.dtype.itemsize}")
    return bits.astype(bits.dtype.newbyteorder("<")).tobytes()


def result_bytes(a: AnyArray) -> bytes:
    """Return `plain_bytes`, with one NaN per float dtype."""
    if a.dtype not in _NAN:
        return plain_bytes(a)
    infinity, nan = _NAN[a.dtype]
    bits = np.ascontiguousarray(a).view(f"u{a.dtype.itemsize}").copy()
    magnitude = bits & bits.dtype.type((1 << 8 * a.dtype.itemsize - 1) - 1)
    bits[magnitude > infinity] = nan
    return plain_bytes(bits)


def results(x: AnyArray, amax: AnyArray | None, r: Recipe, engine: str) -> Iterator[AnyArray]:
    """Yield what quantizing x gives, and its values in three dtypes; nothing where the recipe refuses x."""
    try:
        q = quantize(x, r, amax=amax, engine=engine)
    except InputError:
        return
    assert q.picked4 is not None
    yield from (q.codes, q.block_scales, q.picked4)
    yield from (q.tensor_amax, q.encode_scale, q.decode_scale)
    yield from (dequantize(q, dtype) for dtype in _NAN)


def steps(x: AnyArray, amax: AnyArray | None, r: Recipe) -> Iterator[AnyArray]:
    """Yield every float32 intermediate of the model, the errors of both candidates among them."""
    try:
        t = trace(x, r, amax=amax)
    except InputError:
        return
    yield t.base
    for c in (t.map6, t.map4):
        yield from () if c is None else _floats(c)


def _floats(c: Candidate) -> tuple[AnyArray, ...]:
    found = (c.base, c.scale, c.multiplier, c.scaled, c.values)
    return found if c.error is None else (*found, c.error)


def _amax(given: Given, r: Recipe) -> AnyArray | None:
    """Return the caller's amax in the shape that the recipe takes."""
    if given.amax is None:
        return None
    value = given.amax * np.float32(r.range_max) if given.of_range else given.amax
    return np.full(given.x.shape[:1] if r.amax_scope is AmaxScope.ROW else (), value, dtype=np.float32)


def families(name: str, size: str) -> dict[str, list[Given]]:
    """Return the inputs that a preset meets: all of them, or every fourth family in the small corpus."""
    r = PRESETS[name]
    found = inputs_of(SIZES[size], (r.block_rows, r.block_cols))
    parts = SIZES[size].parts
    return {k: v for i, (k, v) in enumerate(found.items()) if (i + NAMES.index(name)) % parts == 0}


def preset_parts(name: str, size: str, engine: str) -> list[Part]:
    """Return the hash of one preset's results on each family of inputs."""
    r = PRESETS[name]
    found = []
    for family, tensors in families(name, size).items():
        h, blocks = hashlib.sha256(), 0
        for given in tensors:
            for array in results(given.x, _amax(given, r), r, engine):
                h.update(result_bytes(array))
            blocks += given.x.size // (r.block_rows * r.block_cols)
        found.append((family, blocks, h.digest()))
    return found


def steps_hash() -> str:
    """Return the hash of every intermediate of the model over the small corpus."""
    h = hashlib.sha256()
    for name in NAMES:
        r = PRESETS[name]
        for tensors in families(name, "small").values():
            for given in tensors:
                for array in steps(given.x, _amax(given, r), r):
                    h.update(result_bytes(array))
    return h.hexdigest()


def inputs_hash(size: str) -> str:
    """Return the hash of the inputs, for every block shape, NaN as they are."""
    h = hashlib.sha256()
    for block in BLOCKS:
        for tensors in inputs_of(SIZES[size], block).values():
            for given in tensors:
                h.update(plain_bytes(given.x))
    return h.hexdigest()


def corpus(size: str, progress: Progress, jobs: int, engine: str = "numpy") -> dict[str, Any]:
    """Return the figures of one size: blocks, and the hashes of inputs and results, in all and by part."""
    by_preset: dict[str, list[Part]] = {}
    for name, parts in _map(size, jobs, engine):
        by_preset[name] = parts
        progress(len(by_preset), len(NAMES))
    groups: dict[str, Any] = defaultdict(hashlib.sha256)
    blocks = 0
    for name in NAMES:
        for family, n, digest in by_preset[name]:
            for key in ("results", f"results on {family}", f"results of {name.split('-')[0]}"):
                groups[key].update(digest)
            blocks += n
    hashes = {key: h.hexdigest() for key, h in groups.items()}
    return {"blocks": blocks, "presets": len(NAMES), "inputs": inputs_hash(size), **hashes}


def _map(size: str, jobs: int, engine: str) -> Iterator[tuple[str, list[Part]]]:
    n = len(NAMES)
    if jobs == 1:
        yield from zip(NAMES, map(preset_parts, NAMES, [size] * n, [engine] * n), strict=True)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from zip(NAMES, pool.map(preset_parts, NAMES, [size] * n, [engine] * n), strict=True)


def run(
    progress: Progress, jobs: int, engine: str = "numpy", sizes: Sequence[str] = ("small", "full")
) -> Finding:
    """Hash the corpus in each size and compare with the known hashes."""
    figures: dict[str, Any] = {"small: steps": steps_hash()}
    compared = unexplained = 0
    for size in sizes:
        found = corpus(size, progress, jobs if size == "full" else 1, engine)
        figures |= {f"{size}: {key}": value for key, value in found.items()}
        compared += found["blocks"]
        unexplained += found["blocks"] if found["results"] != KNOWN[size] else 0
    return Finding(compared=compared, unexplained=unexplained, figures=figures)


PROOF = Proof(
    name="corpus",
    claim=(
        "Every preset gives the same bytes on every machine: the hash of a corpus made of integers is the "
        "known one."
    ),
    run=run,
    minutes=1,
)
