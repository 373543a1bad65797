"""What `fos quantize` prints: the tensors that were quantized, those that were copied, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType

from fos_ref.engines.conversion.outcome import Conversion, Outcome
from fos_ref.errors.text import listed, shown
from fos_ref.formats.bits import f32_hex
from fos_ref.report.console import apart, named, plain, table, titled

_SHOWN_NAMES = 3
_MEBI = 1 << 20


def document(source: Path, target: Path, done: Conversion, seconds: float) -> dict[str, Any]:
    """Return what --json prints."""
    return {
        "input": str(source),
        "output": str(target),
        "recipe": done.recipe.name,
        "recipe_fingerprint": done.recipe.fingerprint(),
        "convention": done.convention.name,
        "share": done.share,
        "fused_groups_apart": done.apart,
        "experts": done.orientation,
        "engine": done.engine,
        "seconds": round(seconds, 3),
        "bytes_in": sum(o.bytes_in for o in done.outcomes),
        "bytes_out": sum(o.bytes_out for o in done.outcomes),
        "bytes_left": _bytes_left(done),
        "files": list(done.files),
        "quantized": [_quantized(o) for o in done.outcomes if o.left is None],
        "copied": [{**_common(o), "reason": o.left} for o in done.outcomes if o.left is not None],
        "quantization_config": done.config,
    }


def _common(o: Outcome) -> dict[str, Any]:
    return {
        "name": o.name,
        "dtype": o.dtype,
        "shape": list(o.shape),
        "bytes_in": o.bytes_in,
        "bytes_out": o.bytes_out,
    }


def _quantized(o: Outcome) -> dict[str, Any]:
    assert o.amax is not None
    return {
        **_common(o),
        "amax": float(o.amax),
        "amax_bits": f32_hex(o.amax),
        "picked4_share": o.picked4_share,
        "experts": o.experts,
        "transposed": o.transposed,
        "padded": o.padded,
    }


def _bytes_left(done: Conversion) -> int:
    """Return how many bytes were copied unchanged."""
    return sum(o.bytes_in for o in done.outcomes if o.left is not None)


def show(console: Console, target: Path, done: Conversion, seconds: float) -> None:
    """Print what was quantized, tensor by tensor, and what was copied, reason by reason."""
    parts: list[RenderableType] = [_quantized_table(done)]
    if any(o.left for o in done.outcomes):
        parts.append(_copied_table(done))
    before, after = (sum(getattr(o, k) for o in done.outcomes) for k in ("bytes_in", "bytes_out"))
    count = sum(o.left is None for o in done.outcomes)
    summary = (
        f"{shown(str(target))}: {count} of {len(done.outcomes)} tensors quantized by {done.recipe.name}, "
        f"{done.convention.name} convention, {done.engine} engine: "
        f"{before / _MEBI:.1f} -> {after / _MEBI:.1f} MiB in {seconds:.1f} s; "
        f"{_bytes_left(done) / _MEBI:.1f} MiB unquantized"
    )
    console.print(apart(*parts, *map(plain, (summary, *_notes(done)))))


def _notes(done: Conversion) -> list[str]:
    """Return what a reader of the output has to know besides, a line each."""
    found = []
    stacks = sum(o.experts is not None for o in done.outcomes)
    if stacks:
        lie = "(K, N), in-out, and were turned around" if done.orientation == "in-out" else "(N, K), out-in"
        found.append(
            f"{_many(stacks, 'stack')} of experts: each is quantized by itself; they lie as {lie} "
            "(--experts says otherwise)"
        )
    padded = sum(o.padded is not None for o in done.outcomes)
    if padded:
        found.append(f"{_many(padded, 'weight')}: rows filled up with zeros, which not every loader takes")
    if done.apart:
        groups = f"{_many(done.apart, 'group')} of weights that runtimes join (q/k/v, gate/up)"
        remedy = ": --share fused gives them one" if done.share == "none" else ""
        found.append(f"{groups} with different tensor scales{remedy}")
    return found


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _quantized_table(done: Conversion) -> Group:
    made = table(("tensor",), ("dtype", "shape", "tensor amax", "to 4"))
    for o in done.outcomes:
        if o.left is None:
            size = " x ".join(map(str, o.shape))
            made.add_row(named(o.name), o.dtype, size, f"{o.amax:.6g}", f"{o.picked4_share:.2%}")
    return titled("quantized", made)


def _copied_table(done: Conversion) -> Group:
    made = table(("reason", "names"), ("tensors", "MiB"))
    reasons: dict[str, list[Outcome]] = {}
    for o in done.outcomes:
        if o.left is not None:
            reasons.setdefault(o.left, []).append(o)
    for why, group in reasons.items():
        names = listed([o.name for o in group], _SHOWN_NAMES)
        size = sum(o.bytes_in for o in group) / _MEBI
        made.add_row(plain(why), plain(names), str(len(group)), f"{size:.2f}")
    return titled("copied unchanged", made)
