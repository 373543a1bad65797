"""Training's kernels beside the model on this GPU: 10^8 values of each case, and torch's product."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from fos_gpu import training
from fos_gpu.build import modules, nvrtc
from fos_gpu.build.machine import card
from fos_gpu.build.modules import Unit
from fos_gpu.build.probe import available
from fos_gpu.build.training_units import eden_unit, rotate_unit, stochastic_unit, words_unit
from fos_gpu.engine import capability
from fos_gpu.proof.command import execute, parser, whole
from fos_gpu.proof.training.cases import CASES, RECIPES
from fos_gpu.proof.training.product import Product
from fos_gpu.proof.training.task import (
    alone,
    drawn,
    EDEN,
    GROUP_EDEN,
    GROUP_NOISE,
    NOISE,
    results,
    Task,
    Wanted,
)
from fos_gpu.proof.training.task import given as given_words
from fos_gpu.tensors import cupy, Place, to_numpy, upload
from fos_gpu.training.eden import MAXIMUM
from fos_ref.errors import ToolchainError
from fos_ref.errors.guard import guarded
from fos_ref.formats.arrays import AnyArray
from fos_ref.proof.result import Finding, Progress, Proof
from fos_ref.proof.sweeps.pool import Tally, total
from fos_ref.rotate import Order

TENSORS, SHAPE = 48, (2048, 1024)  #: 100,663,296 values
ORDERS = (Order.EXACT, Order.FWHT, Order.SEQUENTIAL)
VALUES, DIFFERING = "values", "differing"


def differing(a: AnyArray, b: AnyArray) -> int:
    """Return how many elements differ in their bits."""
    assert a.shape == b.shape
    assert a.dtype.itemsize == b.dtype.itemsize
    words = f"u{a.dtype.itemsize}"
    return int(np.count_nonzero(np.ascontiguousarray(a).view(words) != np.ascontiguousarray(b).view(words)))


def on_device(a: AnyArray) -> Any:
    """Return an array of the host as a CuPy array on the current device."""
    return upload(a, Place("cupy", cupy().cuda.runtime.getDevice()))


def quantizers(w: Wanted, x: Any) -> Tally:
    """Compare every stochastic quantizer on one tensor."""
    found: Tally = Counter()
    for case in CASES:
        own = drawn(case, w.task) if case.map else alone([on_device(a) for a in given_words(case, w.digits)])
        q = training.quantize(x, case.recipe, random_bits=own)
        pairs = zip((q.codes, q.block_scales, q.picked4), w.quantized[case.name], strict=True)
        found[case.name, DIFFERING] += sum(differing(to_numpy(got), want) for got, want in pairs)
        found[case.name, VALUES] += w.x.size
    return found


def others(w: Wanted, x: Any) -> Tally:
    """Compare words, rotations and MS-EDEN on one tensor."""
    found: Tally = Counter()
    for name, want in w.words.items():
        got = training.words(name, w.task.shape, like=x, seed=w.task.seed, offset=w.task.offset)
        found[f"words of {name}", VALUES] += want.size
        found[f"words of {name}", DIFFERING] += differing(to_numpy(got), want)
    for order in ORDERS:
        got = to_numpy(training.rotate(x, order=order))
        found[f"rotation, {order.value}", VALUES] += w.x.size
        found[f"rotation, {order.value}", DIFFERING] += differing(got, w.rotated[order.value])
    for name, noise, made in ((EDEN, NOISE, w.eden), (GROUP_EDEN, GROUP_NOISE, w.groups)):
        bits = training.words(noise, w.task.shape, like=x, seed=w.task.seed, offset=w.task.offset)
        e = training.eden(on_device(w.y), bits, recipe=name)
        pairs: list[tuple[Any, AnyArray]] = [
            (e.codes, made.codes),
            (e.tensor_scale, made.decode_scale.reshape(1)),
            (e.block_scales, made.block_scales),
        ]
        found[f"MS-EDEN, {name}", VALUES] += w.x.size
        found[f"MS-EDEN, {name}", DIFFERING] += sum(differing(to_numpy(got), one) for got, one in pairs)
    return found


@dataclass(frozen=True, slots=True)
class Compile:
    """A unit and an architecture, for a process of its own."""

    unit: Unit
    arch: str


def compile_one(task: Compile) -> Tally:
    """Compile a unit into the cache; return that it was done."""
    modules.cubin(task.unit, task.arch)
    return Counter({(task.unit.source, "compiled"): 1})


def units() -> list[Unit]:
    """Return the units that the comparison starts."""
    found: list[Unit] = [words_unit(), eden_unit(), modules.tensor_unit(MAXIMUM, "float32")]
    found += [rotate_unit(order, "bfloat16", narrow=True) for order in ORDERS]
    for r in RECIPES.values():
        found += [stochastic_unit(r, "bfloat16"), modules.tensor_unit(r, "bfloat16")]
    return list(dict.fromkeys(found))


def compare(tasks: Sequence[Task], progress: Progress, jobs: int) -> Finding:
    """Compare every tensor; the model's side is computed in `jobs` processes meanwhile."""
    found: Tally = Counter()
    product = Product()
    for done, w in enumerate(results(tasks, jobs), start=1):
        x = on_device(w.x)
        found.update(quantizers(w, x) + others(w, x))
        product.compare(w)
        progress(done, len(tasks))
    values = {what: n for (what, kind), n in sorted(found.items()) if kind == VALUES}
    wrong = {what: n for what in values if (n := found[what, DIFFERING])}
    figures = {"values": values, "differing": wrong}
    return product.into(
        Finding(compared=sum(values.values()), unexplained=sum(wrong.values()), figures=figures)
    )


def run(progress: Progress, jobs: int, tensors: int = TENSORS) -> Finding:
    """Compile what is needed, then compare; ToolchainError where no kernel can run."""
    here = available()
    if not here:
        raise ToolchainError(here.reason)
    arch = nvrtc.target(capability())
    total(compile_one, [Compile(u, arch) for u in units()], jobs, progress)
    return compare([Task(i, SHAPE) for i in range(tensors)], progress, jobs)


PROOF = Proof(
    name="training-device",
    claim=(
        "The kernels of stochastic rounding, of every word map, of the rotation and of MS-EDEN give the "
        "model's bits on the GPU named below; torch's bfloat16 product gives the rotation's decided bits."
    ),
    run=run,
    minutes=3,
)


@guarded
def main(argv: Sequence[str] | None = None) -> int:
    """Run the proof from the command line."""
    arguments = parser(PROOF)
    size = SHAPE[0] * SHAPE[1]
    what = f"tensors of {size:,} values, {TENSORS} unless it says otherwise"
    arguments.add_argument("--tensors", type=whole, default=TENSORS, metavar="N", help=what)
    given = arguments.parse_args(argv)
    return execute(replace(PROOF, run=partial(run, tensors=given.tensors)), given, card())
