"""What `fos recipes diff` finds: the axes that differ; on tensors, the blocks, values, and a way to agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType

from fos_ref.commands.advice import advice_values
from fos_ref.commands.disagreement_tables import counts_lines, tensors_table, values_table
from fos_ref.dialects.agree import advice
from fos_ref.dialects.measure import measure, total
from fos_ref.errors import InputError
from fos_ref.errors.text import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import make
from fos_ref.outside.npy import read_npy
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.report.console import apart, plain, table, titled
from fos_ref.storage.held_find import held_weights
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import FLOATS, unfit
from fos_ref.storage.tensor_info import NUMPY_DTYPES, TensorInfo

_SHAPE = (512, 1024)  #: of a generated tensor: 32,768 blocks of 16
_SEED = 0


def difference(a: Recipe, b: Recipe, on: Path | None, distribution: str | None) -> dict[str, Any]:
    """Return the whole difference of two recipes as JSON values; counts when a tensor was named."""
    if on is not None and distribution is not None:
        msg = "--on and --distribution were both given: one names the tensor to count on"
        raise InputError(msg)
    axes = {k: [_plain(mine), _plain(theirs)] for k, (mine, theirs) in a.diff(b).items()}
    data: dict[str, Any] = {"a": a.name, "b": b.name, "same_bits": not axes, "axes": axes, "tensors": []}
    counted = on is not None or distribution is not None
    if counted:
        data["packed_weights"] = 0 if on is None else _packed(on)
        data |= _measured(lambda: _tensors(on, distribution, a, b), a, b)
        if not data["tensors"]:
            raise InputError(_nothing(on, data["packed_weights"]))
    tensors = (lambda: (x for _, x in _tensors(on, distribution, a, b))) if counted else None
    return data | {"advice": advice_values(advice(a, b, tensors))}


def _tensors(
    on: Path | None, distribution: str | None, a: Recipe, b: Recipe
) -> Iterator[tuple[str, AnyArray]]:
    return _file_tensors(on, a, b) if on is not None else _generated(distribution or "")


def _measured(tensors: Callable[[], Iterator[tuple[str, AnyArray]]], a: Recipe, b: Recipe) -> dict[str, Any]:
    """Return each tensor's counts, and those of all together."""
    found = {name: measure(x, a, b) for name, x in tensors()}
    if not found:
        return {"tensors": []}
    each = [{"tensor": name, **m.to_dict()} for name, m in found.items()]
    return {"tensors": each, "total": total(list(found.values())).to_dict()}


def _packed(path: Path) -> int:
    """Return how many weights of a file are quantized already: they are not measured, but announced."""
    if path.suffix != ".safetensors":
        return 0
    with SafetensorsFile(path) as f:
        found = held_weights(f.tensors)
    return len(found.weights) + len(found.unread)


def _nothing(on: Path | None, packed: int) -> str:
    what = f"{on}: no 2-D float32, float16 or bfloat16 tensor whose blocks fit both recipes"
    if not packed:
        return what
    return f"{what}: {packed:,} of its weights are quantized already; the file they were made from is allowed"


def _plain(value: Any) -> Any:
    return plain_values({"value": value})["value"]


def _generated(name: str) -> Iterator[tuple[str, AnyArray]]:
    yield f"{name} {_SHAPE[0]}x{_SHAPE[1]} bfloat16", make(name, _SHAPE, _SEED, "bfloat16")


def _file_tensors(path: Path, a: Recipe, b: Recipe) -> Iterator[tuple[str, AnyArray]]:
    """Yield (name, tensor) of a .npy or .safetensors file, one at a time."""
    rows, cols = max(a.block_rows, b.block_rows), max(a.block_cols, b.block_cols)
    if path.suffix == ".npy":
        yield path.name, _matrix(path, rows, cols)
    elif path.suffix == ".safetensors":
        with SafetensorsFile(path) as f:
            for name, info in f.tensors.items():
                if unfit(info, rows, cols) is None:
                    yield name, f.read(name)
    else:
        msg = f"{path}: a .npy or .safetensors file is allowed"
        raise InputError(msg)


def _matrix(path: Path, rows: int, cols: int) -> AnyArray:
    """Return the tensor of a .npy file, if it can be cut into the blocks of both recipes."""
    a = read_npy(path)
    name = next((k for k, v in NUMPY_DTYPES.items() if v == a.dtype and k in FLOATS), str(a.dtype))
    why = unfit(TensorInfo(path.name, name, a.shape, a.nbytes), rows, cols)
    if why is not None:
        msg = f"{path}: {why}: a 2-D tensor of {', '.join(FLOATS)} whose blocks fit both recipes is allowed"
        raise InputError(msg)
    return a


def difference_tables(d: dict[str, Any]) -> Group:
    """Return the axes as a table; the counts of all tensors together; the tensors that differ; the advice."""
    parts: list[RenderableType] = [_axes_table(d)]
    if d["tensors"]:
        parts += [*_announced(d), _counts_table(d, d["total"]), values_table(d, d["total"])]
    if len(d["tensors"]) > 1:
        parts.append(tensors_table(d))
    return apart(*parts, plain(d["advice"]["line"]))


def _announced(d: dict[str, Any]) -> list[RenderableType]:
    n = d["packed_weights"]
    if not n:
        return []
    weights = "weight of the file is" if n == 1 else "weights of the file are"
    return [plain(f"{n:,} {weights} quantized already and not measured: what follows is of the others only")]


def _axes_table(d: dict[str, Any]) -> Group:
    verdict = "the same bits" if d["same_bits"] else f"{len(d['axes'])} axes differ"
    made = table(("axis", d["a"], d["b"]))
    for axis, (mine, theirs) in d["axes"].items():
        made.add_row(axis, *(plain("-" if v is None else str(v)) for v in (mine, theirs)))
    return titled(f"{d['a']} and {d['b']}: {verdict}", made)


def _counts_table(d: dict[str, Any], t: dict[str, Any]) -> Group:
    """Return how many blocks differ, and what each axis alone explains of them."""
    counts = ", ".join(f"{t[k]:,} {label}" for k, label in _COUNTS.items())
    of = f"{d['a']} with this axis of {d['b']}"
    made = table((of,), ("blocks it changes", "blocks it alone explains"))
    idle = [" + ".join(s["axes"]) for s in t["axes"] if not s["changed"] and not s["explained"]]
    for share in (s for s in t["axes"] if s["changed"] or s["explained"]):
        percent = f" ({share['explained'] / t['differing']:.1%})" if t["differing"] else ""
        made.add_row(" + ".join(share["axes"]), f"{share['changed']:,}", f"{share['explained']:,}{percent}")
    names = [one["tensor"] for one in d["tensors"]]
    name = shown(names[0]) if len(names) == 1 else f"{len(names)} tensors"
    title = f"{name}: {t['differing']:,} of {t['blocks']:,} blocks differ ({counts})"
    lines = [plain(line) for line in (title, *counts_lines(d, t))]
    unmoved = [plain(f"alone, these change no block: {', '.join(idle)}")] if idle else []
    return Group(*lines, *([made] if made.row_count else []), *unmoved)


_COUNTS = {"choice": "choose otherwise", "block_scale": "other scale byte", "codes": "other codes"}

__all__ = ["difference", "difference_tables"]
