"""What a call costs before the device works, and the replay of a graph of amax and quantize."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import fos_gpu
from benchmarks.clock import Spread
from benchmarks.gpu.clock import alternate, cupy, DIGITS, Subject
from benchmarks.gpu.subjects import COPY, copy, Inputs
from benchmarks.gpu.whole import tensors
from fos_ref.recipes.recipe import BLOCK

RECIPE = "4over6"
SHAPES = ((16, 16), (128, 4096), (1024, 4096))
GRAPH = (4096, 4096)
IN_GRAPH = 8  #: tensors of one graph, so that together they are larger than the L2
CALLS = 200
_MICRO = 1e6
_PASS = 2.0  #: bytes a value of one reading
_WRITTEN = 0.5 + 2 / BLOCK


def measure(rounds: int) -> dict[str, Any]:
    """Return microseconds of a call, and a graph's replay beside the time of its bytes."""
    try:
        importlib.import_module("torch")
    except ImportError as e:
        return {"calls": [], "not_run": {"small tensors": str(e)}}
    return {"recipe": RECIPE, "calls": [_calls(s) for s in SHAPES], "graph": _graph(rounds), "not_run": {}}


def _calls(shape: tuple[int, int]) -> dict[str, Any]:
    x = tensors(Inputs(shape, "bfloat16"))[0]
    out = fos_gpu.quantize(x, RECIPE)
    amax = out.tensor_amax
    own, given = (fos_gpu.prepare(RECIPE, shape, x.dtype, like=x, amax=a) for a in (None, amax))

    def wall(call: Callable[[], object], *, wait: bool) -> float:
        cupy().cuda.runtime.deviceSynchronize()
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
            if wait:
                cupy().cuda.runtime.deviceSynchronize()
        seconds = time.perf_counter() - start
        cupy().cuda.runtime.deviceSynchronize()
        return seconds / CALLS * _MICRO

    forms: dict[str, Callable[[], object]] = {
        "new arrays": lambda: fos_gpu.quantize(x, RECIPE),
        "arrays kept": lambda: fos_gpu.quantize(x, RECIPE, out=out),
        "arrays kept, amax given": lambda: fos_gpu.quantize(x, RECIPE, amax=amax, out=out),
        f"prepared, launches: {own.launches}": lambda: own(x),
        f"prepared, amax given, launches: {given.launches}": lambda: given(x),
    }
    return {
        "shape": list(shape),
        "microseconds_to_start": {
            n: round(median(wall(f, wait=False) for _ in range(5)), 1) for n, f in forms.items()
        },
        "microseconds_until_done": {
            n: round(median(wall(f, wait=True) for _ in range(5)), 1) for n, f in forms.items()
        },
    }


def _replay(graph: Any, _: int) -> None:
    graph.replay()


def _graph(rounds: int) -> dict[str, Any]:
    """Return the milliseconds of amax and quantize of one tensor, replayed, cold and in the L2."""
    torch = importlib.import_module("torch")
    inputs = [Inputs(GRAPH, "bfloat16") for _ in range(IN_GRAPH // 2)]
    xs = [x for i in inputs for x in tensors(i)]
    outs = [fos_gpu.quantize(x, RECIPE) for x in xs]
    want = outs[-1].to_host()
    torch.cuda.synchronize()
    graphs = {}
    for name, chosen in (("cold", range(IN_GRAPH)), ("warm", [0] * IN_GRAPH)):
        graphs[name] = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graphs[name]):
            for i in chosen:
                fos_gpu.quantize(xs[i], RECIPE, out=outs[i])
    outs[-1].codes.fill_(0xA5)
    subjects = [Subject(n, partial(_replay, g)) for n, g in graphs.items()]
    large = Inputs((4 * GRAPH[0], GRAPH[1] * 4), "bfloat16")
    times = alternate([copy(large), *subjects], rounds)
    got = outs[-1].to_host()
    rate = 2 * _PASS * large.size / median(times[COPY])  # bytes a millisecond
    size = GRAPH[0] * GRAPH[1]
    found: dict[str, Any] = {
        "shape": list(GRAPH),
        "same_bytes_as_without": got.codes.tobytes() == want.codes.tobytes(),
    }
    for name in graphs:
        own = [t / IN_GRAPH for t in times[name]]
        found[name] = {
            "milliseconds": Spread.of(own).document(DIGITS),
            "of_its_bytes_time": float(f"{median(own) / ((2 * _PASS + _WRITTEN) * size / rate):.3g}"),
        }
    return found
