"""The kernels with the amax given: milliseconds, shares of the copy's bandwidth, bits in the same run."""

from __future__ import annotations

from typing import Any

from benchmarks.clock import Spread
from benchmarks.gpu.clock import alternate, cupy, DIGITS
from benchmarks.gpu.subjects import COPY, copy, Given, Inputs, LITERAL, literal, recipe

#: The recipes of each dtype; the first is timed word for word too.
CASES = {
    "bfloat16": (
        "4over6",
        "nvfp4",
        "4over6-mae",
        "4over6-absmax",
        "4over6-16x16",
        "te-mse-256",
        "fouroversix-mse",
        "te-mae-448-row",
    ),
    "float16": ("4over6", "nvfp4"),
    "float32": ("4over6", "nvfp4"),
}
_MILLI, _GIGA = 1e-3, 1e9


def measure(shape: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Return the rows of every case and the copies."""
    parts = [_of_dtype(Inputs(shape, dtype), names, rounds) for dtype, names in CASES.items()]
    return {
        "shape": list(shape),
        "rounds": rounds,
        "copy": [p["copy"] for p in parts],
        "rows": [row for p in parts for row in p["rows"]],
    }


def _of_dtype(inputs: Inputs, names: tuple[str, ...], rounds: int) -> dict[str, Any]:
    givens = {name: Given(inputs, recipe(name)) for name in names}
    subjects = [copy(inputs), literal(givens[names[0]]), *(g.subject(n) for n, g in givens.items())]
    bits = {name: g.bits() for name, g in givens.items()}
    times = alternate(subjects, rounds)
    cupy().get_default_memory_pool().free_all_blocks()
    moved = 2 * inputs.words[0].nbytes
    rates = [moved / (t * _MILLI) / _GIGA for t in times[COPY]]
    row = {"recipe": names[0], "dtype": inputs.dtype, "path": LITERAL}
    rows = [row | _figures(inputs, times[LITERAL], rates)]
    rows += [
        {"recipe": n, "dtype": inputs.dtype, "path": "fast"} | _figures(inputs, times[n], rates) | bits[n]
        for n in names
    ]
    return {
        "copy": {"dtype": inputs.dtype, "gigabytes_per_second": Spread.of(rates).document(DIGITS)},
        "rows": rows,
    }


def _figures(inputs: Inputs, times: list[float], rates: list[float]) -> dict[str, Any]:
    """Return milliseconds, values a second and the shares, with and without the bytes of the choices."""
    found: dict[str, Any] = {"milliseconds": Spread.of(times).document(DIGITS)}
    for name, choices in (("share_of_copy", False), ("share_of_copy_with_choices", True)):
        gigabytes = inputs.bytes_per_value(choices=choices) * inputs.size / _GIGA
        shares = [gigabytes / (t * _MILLI) / rate for t, rate in zip(times, rates, strict=True)]
        found[name] = Spread.of(shares).document(DIGITS)
    return found
