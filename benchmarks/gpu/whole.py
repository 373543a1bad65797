"""The public call, amax included, beside the peers on the same torch tensor; their bits are counted."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

import fos_gpu
import fos_ref
from benchmarks.clock import ratios, Spread
from benchmarks.gpu.clock import alternate, cupy, DIGITS, Subject, Times
from benchmarks.gpu.subjects import COPY, copy, Inputs, TENSORS
from fos_ref.recipes.recipe import BLOCK

OURS = ("fouroversix-mse", "4over6", "nvfp4")
BESIDE = OURS[0]  #: the preset that has the peers' bits
BACKENDS = {"triton": 3, "pytorch": 1}  #: fouroversix's backends and how many calls a visit makes
_ITEMSIZE = 2


def tensors(inputs: Inputs) -> list[Any]:
    """Return the inputs as torch tensors, without a copy; ImportError where there is no torch."""
    torch, cp = importlib.import_module("torch"), cupy()
    return [torch.from_dlpack(w.view(cp.int16)).view(torch.bfloat16) for w in inputs.words]


def measure(shape: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Return the rows of our presets and of the peers; what could not run is said."""
    inputs = Inputs(shape, "bfloat16")
    try:
        xs = tensors(inputs)
    except ImportError as e:
        return {"rows": [], "peers": [], "not_run": {"amax included": str(e)}}
    ours = [Subject(name, _ours(xs, name)) for name in OURS]
    peers, missing = _peers(xs)
    times = alternate([copy(inputs), *ours, *peers], rounds)
    return {
        "shape": list(shape),
        "rounds": rounds,
        "rows": [_row(name, times, inputs) for name in OURS],
        "peers": [_peer(s, times, xs[0]) for s in peers],
        "not_run": missing,
    }


def _ours(xs: list[Any], name: str) -> Callable[[int], object]:
    outs = [fos_gpu.quantize(x, name) for x in xs]
    return lambda i: fos_gpu.quantize(xs[i % TENSORS], name, out=outs[i % TENSORS])


def _row(name: str, times: Times, inputs: Inputs) -> dict[str, Any]:
    """Return milliseconds, and the share of the copy's rate that two readings and one writing reach."""
    moved = (2 * _ITEMSIZE + 0.5 + 2 / BLOCK) / (2 * _ITEMSIZE)  # in copies of the tensor
    shares = [moved * c / t for c, t in zip(times[COPY], times[name], strict=True)]
    seconds = Spread.of(times[name])
    return {
        "recipe": name,
        "milliseconds": seconds.document(DIGITS),
        "gigavalues_per_second": float(f"{inputs.size / seconds.median / 1e6:.4g}"),
        "share_of_copy_as_read": Spread.of(shares).document(DIGITS),
    }


def _call(backend: str) -> Callable[[Any], Any]:
    module = importlib.import_module("fouroversix")
    config = module.QuantizationConfig(backend=backend, scale_rule="mse", block_scale_2d=False, dtype="nvfp4")
    return lambda x: module.quantize_to_fp4(x, config)


def _peers(xs: list[Any]) -> tuple[list[Subject], dict[str, str]]:
    """Return fouroversix's backends that run here, and why the others do not."""
    found, missing = [], {}
    for backend, launches in BACKENDS.items():
        try:
            call = _call(backend)
            for x in xs:
                call(x)
            cupy().cuda.runtime.deviceSynchronize()
        except Exception as e:  # noqa: BLE001 -- whatever a peer raises, it is not run
            missing[f"fouroversix {backend}"] = f"{type(e).__name__}: {str(e)[:300]}"
            continue
        found.append(Subject(backend, _in_turn(call, xs), launches))
    return found, missing


def _in_turn(call: Callable[[Any], Any], xs: list[Any]) -> Callable[[int], object]:
    return lambda i: call(xs[i % TENSORS])


def _peer(s: Subject, times: Times, x: Any) -> dict[str, Any]:
    theirs, mine = _call(s.name)(x), fos_gpu.quantize(x, BESIDE).to_host()
    torch = importlib.import_module("torch")
    rows, cols = x.shape
    codes = theirs.values.view(torch.uint8).cpu().numpy()[:rows, : cols // 2]
    raw = theirs.scale_factors.view(torch.uint8).cpu().numpy()
    scales = fos_ref.unswizzle(raw.ravel(), rows, cols // BLOCK)
    return {
        "peer": f"fouroversix {s.name}",
        "beside": BESIDE,
        "milliseconds": Spread.of(times[s.name]).document(DIGITS),
        "times_as_long_as_ours": ratios(times[s.name], times[BESIDE]).document(DIGITS),
        "blocks": rows * cols // BLOCK,
        "differing_code_bytes": int(np.count_nonzero(codes != mine.codes)),
        "differing_block_scales": int(np.count_nonzero(scales != mine.block_scales)),
    }
