"""`python -m fos_gpu.proof.training.host`: training's header under g++ beside fos_ref."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import ml_dtypes
import numpy as np

from fos_gpu.build import stochastic_host, training
from fos_gpu.build.compiler import compiler_version
from fos_gpu.proof.command import run as run_command
from fos_gpu.proof.training.cases import RECIPES
from fos_gpu.proof.training.task import alone, EDEN, GROUP_EDEN, GROUP_NOISE, KINDS, NOISE
from fos_ref.engines.front import quantize, trace
from fos_ref.engines.random_bits import elements_of
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray, F32, U8, U32
from fos_ref.formats.catalog import E2M1, E4M3
from fos_ref.inputs.distributions import make
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.random import deal, Feed, MAPS, Rule, stochastic, words
from fos_ref.random.programs import (
    fouroversix_torch,
    quartet2_scales,
    quartet2_simulator,
    quartet2_simulator_scales,
    te_software,
    triton_uniform,
)
from fos_ref.rotate import hadamard, Order
from fos_ref.storage.layout import pack_nibbles
from fos_ref.storage.tensor import QuantizedTensor

BYTES = np.arange(256, dtype=np.uint32)
VALUES_AT_ONCE = 2048
SHAPES = ((256, 256), (512, 768), (1280, 2304))
SEEDS = ((0x123456789ABCDEF0, 0), ((1 << 64) - 5, (1 << 64) - 3))
FORMATS = {"E2M1": (E2M1, 8.0), "E4M3": (E4M3, 512.0)}
WIDTHS = (1, 2, 4, 13, 16, 24, 32)


def all_bfloat16(below: float) -> F32:
    """Return every bfloat16 value from 0 to below a bound, and its negative, as float32."""
    patterns = np.arange(1 << 16, dtype=np.uint32) << np.uint32(16)
    v = patterns.view(np.float32)
    return v[np.abs(v) < below]


@dataclass(frozen=True, slots=True)
class Part:
    """One comparison, by the name of its function here and its arguments."""

    kind: str
    arguments: tuple[str | int, ...]


def _unequal(got: AnyArray, want: AnyArray) -> int:
    kind = f"u{got.dtype.itemsize}"
    return int(np.count_nonzero(got.view(kind) != np.ascontiguousarray(want, got.dtype).view(kind)))


def by_rule(fmt: str, rule: str) -> Iterator[tuple[int, int]]:
    """Compare every byte with every bfloat16 value, and other widths with the ends of their range."""
    info, below = FORMATS[fmt]
    y, how, e4m3 = all_bfloat16(below), Rule(rule), fmt == "E4M3"
    for first in range(0, y.size, VALUES_AT_ONCE):
        part = y[first : first + VALUES_AT_ONCE]
        want = stochastic(part[:, None], BYTES, how, 8, info)
        yield want.size, _unequal(training.by_rule(part, BYTES, how, 8, e4m3=e4m3), want)
    g = np.random.Generator(np.random.Philox(5))
    special = np.array([np.inf, -np.inf, np.nan, -np.nan, 3e38, 2.0**-149, -(2.0**-126)], dtype=np.float32)
    some = np.concatenate([special, g.integers(0, 1 << 32, 4096, dtype=np.uint32).view(np.float32)])
    for n in WIDTHS:
        top = (1 << n) - 1
        random = np.array([0, 1, top >> 1, top], dtype=np.uint32) & np.uint32(top)
        want = stochastic(some[:, None], random, how, n, info)
        yield want.size, _unequal(training.by_rule(some, random, how, n, e4m3=e4m3), want)


def by_program(which: str) -> Iterator[tuple[int, int]]:
    """Compare every bfloat16 value with 64 numbers (TE's form: with every byte), any float32 with one."""
    y = all_bfloat16(8.0)
    g = np.random.Generator(np.random.Philox(6))
    bits = g.integers(0, 1 << 32, 1 << 18, dtype=np.uint32).view(np.float32)
    anything = bits[np.isfinite(bits)]
    number, most = _NUMBERS[which]
    every = np.repeat(y, 256 if which == "te_software" else 64)
    if which == "fouroversix_torch":  # NaN from there on, which no code is
        anything = anything[np.abs(anything) < np.float32(2.0**127)]
    for given in (*np.array_split(every, 16), anything):
        values = np.minimum(np.abs(given), np.float32(448)) if which.endswith("scales") else given
        random = g.integers(0, most, values.size, dtype=np.uint32)
        if which == "te_software":
            random = np.resize(BYTES, values.size)
        yield values.size, _unequal(training.by_program(which, values, random), number(values, random))


_NUMBERS: dict[str, tuple[Callable[[F32, U32], AnyArray], int]] = {
    "te_software": (te_software, 1 << 8),
    "fouroversix_torch": (
        lambda y, r: fouroversix_torch(y, r.astype(np.float32) * np.float32(2.0**-24)),
        1 << 24,
    ),
    "quartet2_simulator": (lambda y, r: quartet2_simulator(y, triton_uniform(r)), 1 << 32),
    "quartet2_scales": (quartet2_scales, 1 << 16),
    "quartet2_simulator_scales": (lambda y, r: quartet2_simulator_scales(y, triton_uniform(r)), 1 << 32),
}


def by_map(name: str) -> Iterator[tuple[int, int]]:
    """Compare the words of a map: every option, three shapes, two seeds, offsets that carry."""
    options = MAPS[name].options
    for values in product(*options.values()):
        chosen: dict[str, Any] = dict(zip(options, values, strict=True))
        for shape, (seed, offset) in product(SHAPES, SEEDS):
            want = words(name, shape, seed=seed, offset=offset, **chosen)
            got = training.words(name, shape, seed=seed, offset=offset, **chosen)
            yield want.size, _unequal(got, want)


def by_feed(name: str) -> Iterator[tuple[int, int]]:
    """Compare words through a feed."""
    g = np.random.Generator(np.random.Philox(7))
    given = g.integers(0, 1 << 32, 1 << 20, dtype=np.uint32)
    want = deal(given, Feed(name)).reshape(-1)
    yield want.size, _unequal(training.dealt(given, Feed(name)), want)


def by_order(name: str, kind: str) -> Iterator[tuple[int, int]]:
    """Compare rotations of one distribution, both dtypes in and out, both ways."""
    for dtype, out, inverse in product(
        (ml_dtypes.bfloat16, np.float32), ("bfloat16", "float32"), (False, True)
    ):
        x = make(kind, (256, 512), 11, "float32").astype(dtype)
        want = hadamard(x, out=out, order=Order(name), inverse=inverse).y.astype(np.float32).reshape(-1, 16)
        rows = np.ascontiguousarray(x.astype(np.float32).reshape(-1, 16))
        got = training.rotated(rows, 0xD7E8, Order(name), narrow=out == "bfloat16", inverse=inverse)
        yield want.size, _unequal(got, want)


def by_eden(kind: str) -> Iterator[tuple[int, int]]:
    """Compare MS-EDEN of one distribution: codes, tensor scale, scale bytes."""
    y = hadamard(make(kind, (512, 1024), 12, "bfloat16"), out="float32").y
    y[3, :32] = 0
    noise = words(NOISE, y.shape, seed=12)
    want = quantize(y, EDEN, random_bits=noise, engine="numpy")
    yield from _parts(training.eden(y.reshape(-1, 16), noise.reshape(-1)), want)


def by_groups(kind: str) -> Iterator[tuple[int, int]]:
    """Compare MS-EDEN of 128 values of one distribution: codes, tensor scale, scale bytes."""
    y = hadamard(make(kind, (512, 1024), 13, "bfloat16"), 128, out="float32").y
    y[3, :128] = 0
    drawn = words(GROUP_NOISE, y.shape, seed=13)
    want = quantize(y, GROUP_EDEN, random_bits=drawn, engine="numpy")
    yield from _parts(training.eden_of_groups(y.reshape(-1, 128), drawn.reshape(-1)), want)


def _parts(made: tuple[U8, F32, F32, U8], want: QuantizedTensor) -> Iterator[tuple[int, int]]:
    """Compare codes, tensor scale and scale bytes of MS-EDEN."""
    codes, _, tensor_scale, scales = made
    pairs = (
        (codes.reshape(want.codes.shape), want.codes),
        (np.asarray(tensor_scale), want.decode_scale),
        (scales.reshape(want.block_scales.shape), want.block_scales),
    )
    for got, wanted in pairs:
        yield got.size, _unequal(got, wanted)


def by_recipe(name: str) -> Iterator[tuple[int, int]]:
    """Compare a recipe's codes, scales and choices, blocks of 16 or tiles, on every distribution."""
    r, g = RECIPES[name], np.random.Generator(np.random.Philox(8))
    for kind in KINDS:
        x = make(kind, (256, 512), 14, "float32")
        x[:16, :32] = 0
        drawn = [
            g.integers(0, 1 << 32, (256, 512 // elements_of(r)), dtype=np.uint32) for _ in range(r.draws)
        ]
        t = trace(x, r, random_bits=alone(drawn))
        found = stochastic_host.quantize(x, t.scales, r, drawn)
        for got, want in zip(found, (pack_nibbles(t.codes), t.block_scales, t.picked4), strict=True):
            yield got.size, _unequal(got, want)


PARTS: dict[str, tuple[Callable[..., Iterator[tuple[int, int]]], tuple[tuple[str, ...], ...]]] = {
    "rule": (by_rule, tuple(product(FORMATS, (r.value for r in Rule)))),
    "program": (by_program, tuple((p,) for p in training.PROGRAMS)),
    "map": (by_map, tuple((m,) for m in MAPS)),
    "feed": (by_feed, tuple((f.value,) for f in Feed)),
    "rotation": (by_order, tuple(product((o.value for o in Order), KINDS))),
    "MS-EDEN": (by_eden, tuple((k,) for k in KINDS)),
    "MS-EDEN of 128": (by_groups, tuple((k,) for k in KINDS)),
    "recipe": (by_recipe, tuple((r,) for r in RECIPES)),
}


def compare(part: Part) -> Tally:
    """Run one comparison; return how many were made and how many differ."""
    found: Tally = Counter()
    what = f"{part.kind} {' '.join(map(str, part.arguments))}"
    for size, wrong in PARTS[part.kind][0](*part.arguments):
        found[what, "compared"] += size
        found[what, "differing"] += wrong
    return found


def parts() -> list[Part]:
    """Return every comparison."""
    return [Part(kind, arguments) for kind, (_, each) in PARTS.items() for arguments in each]


def run(progress: Progress, jobs: int, chosen: Sequence[Part] | None = None) -> Finding:
    """Build the loops once, then compare."""
    compiler_version()
    training.build()
    found = total(compare, parts() if chosen is None else chosen, jobs, progress)
    counts = {what: n for (what, kind), n in sorted(found.items()) if kind == "compared"}
    wrong = {what: n for what in counts if (n := found[what, "differing"])}
    return Finding(
        compared=sum(counts.values()),
        unexplained=sum(wrong.values()),
        figures={"compared": counts, "differing": wrong},
    )


PROOF = Proof(
    name="training-host",
    claim=(
        "The header of training's kernels, built by g++, gives fos_ref's codes for every byte and bfloat16 "
        "value under the rules A, B and C, and its words, rotations, MS-EDEN of 16 and 128 values, and the "
        "codes of every stochastic recipe in blocks and tiles."
    ),
    run=run,
    minutes=3,
)


def _compiler() -> dict[str, str]:
    try:
        return {"compiler": compiler_version(), "options": " ".join(training.OPTIONS)}
    except ToolchainError:
        return {}


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    return run_command(PROOF, argv, _compiler())


if __name__ == "__main__":
    sys.exit(main())
