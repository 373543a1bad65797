"""Prepared calls in a graph: one launch for amax and codes beside more launches, by size and recipe."""

from __future__ import annotations

import importlib
from functools import partial
from statistics import median
from typing import Any
from unittest import mock

import fos_gpu
from benchmarks.clock import Spread
from benchmarks.gpu.clock import alternate, DIGITS, Subject
from benchmarks.gpu.subjects import COPY, copy, DTYPES, Inputs
from benchmarks.gpu.whole import tensors
from fos_gpu import prepared
from fos_ref.recipes.catalog import recipe as get_recipe

RECIPES = ("4over6", "nvfp4", "te-mae-448-row", "ocp-mxfp4", "fouroversix-if4-mse")
SHAPES = ((16, 64), (128, 512), (128, 4096), (512, 4096), (1024, 4096), (4096, 4096))
IN_GRAPH = 8  #: calls of one graph, each on a tensor of its own
COPIED = (16384, 16384)
ONE, MORE = "one launch", "more launches"
_MICRO = 1e3  #: microseconds of a millisecond
_READINGS = 2  #: of the input: the amax, then the codes


def measure(rounds: int) -> dict[str, Any]:
    """Return microseconds of a call on the device, both ways, beside the time of its bytes."""
    try:
        importlib.import_module("torch")
    except ImportError as e:
        return {"rows": [], "not_run": {"launches": str(e)}}
    inputs = Inputs(COPIED, "bfloat16")
    times = alternate([copy(inputs)], rounds)[COPY]
    rate = 2 * DTYPES["bfloat16"].itemsize * inputs.size / median(times)  # bytes a millisecond
    return {"rows": [_row(name, s, rounds, rate) for name in RECIPES for s in SHAPES], "not_run": {}}


def _row(name: str, shape: tuple[int, int], rounds: int, rate: float) -> dict[str, Any]:
    r = get_recipe(name)
    xs = [tensors(Inputs(shape, "bfloat16"))[0].clone() for _ in range(IN_GRAPH)]
    calls = {ONE: _one(name, xs), MORE: _more(name, xs)}
    launches = {way: some[0].launches for way, some in calls.items()}
    graphs = {way: _graph(some, xs) for way, some in calls.items() if way == MORE or launches[way] == 1}
    times = alternate([Subject(way, partial(_replay, g)) for way, g in graphs.items()], rounds)
    size = shape[0] * shape[1]
    moved = _READINGS * DTYPES["bfloat16"].itemsize * size + size / r.codes_per_byte
    moved += 2 * size / r.block_cols
    found: dict[str, Any] = {"recipe": name, "shape": list(shape), "launches": launches, "microseconds": {}}
    for way, all_of_graph in times.items():
        own = [t / IN_GRAPH * _MICRO for t in all_of_graph]
        found["microseconds"][way] = Spread.of(own).document(DIGITS)
        found[f"of its bytes' time, {way}"] = float(f"{median(own) / _MICRO / (moved / rate):.3g}")
    theirs = _arrays(fos_gpu.quantize(xs[-1], r).to_host())
    outs = [_arrays(calls[way][-1].out.to_host()) for way in graphs]
    found["differing bytes"] = sum(
        int((a != b).sum()) for mine in outs for a, b in zip(mine, theirs, strict=True)
    )
    return found


def _arrays(q: Any) -> tuple[Any, ...]:
    return q.codes, q.block_scales, q.picked4


def _prepared(name: str, xs: list[Any]) -> list[fos_gpu.Prepared]:
    return [fos_gpu.prepare(name, tuple(x.shape), x.dtype, like=x) for x in xs]


def _one(name: str, xs: list[Any]) -> list[fos_gpu.Prepared]:
    """Return calls that take one launch wherever the device holds all blocks at once."""
    with mock.patch.multiple(prepared, MOST_AT_ONCE=1 << 40, MOST_OF_ROWS=1 << 40):
        return _prepared(name, xs)


def _more(name: str, xs: list[Any]) -> list[fos_gpu.Prepared]:
    """Return calls that take a launch for each step, as those of large tensors do."""
    with mock.patch.object(prepared, "most_together", return_value=0):
        return _prepared(name, xs)


def _graph(calls: list[fos_gpu.Prepared], xs: list[Any]) -> Any:
    """Return a graph of every call, captured after each has run once."""
    torch = importlib.import_module("torch")
    for call, x in zip(calls, xs, strict=True):
        call(x)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call, x in zip(calls, xs, strict=True):
            call(x)
    return graph


def _replay(graph: Any, _: int) -> None:
    graph.replay()
