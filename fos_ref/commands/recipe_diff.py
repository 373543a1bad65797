"""What `fos recipes diff` finds: the axes that differ and, on a tensor, how many blocks each explains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Group

from fos_ref.dialects.disagreement import disagreement
from fos_ref.errors import InputError
from fos_ref.errors.text import shown
from fos_ref.formats.arrays import AnyArray
from fos_ref.inputs.distributions import make
from fos_ref.outside.npy import read_npy
from fos_ref.recipes.recipe import plain_values, Recipe
from fos_ref.report.console import apart, plain, table, titled
from fos_ref.storage.safetensors_read import NUMPY_DTYPES, SafetensorsFile, TensorInfo
from fos_ref.storage.select import FLOATS, unfit

_SHAPE = (512, 1024)  #: of a generated tensor: 32,768 blocks of 16
_SEED = 0


def difference(a: Recipe, b: Recipe, on: Path | None, distribution: str | None) -> dict[str, Any]:
    """Return the whole difference of two recipes as JSON values; counts when a tensor was named."""
    if on is not None and distribution is not None:
        msg = "--on and --distribution were both given: one names the tensor to count on"
        raise InputError(msg)
    axes = {k: [_plain(mine), _plain(theirs)] for k, (mine, theirs) in a.diff(b).items()}
    data: dict[str, Any] = {"a": a.name, "b": b.name, "same_bits": not axes, "axes": axes, "tensors": []}
    if on is not None or distribution is not None:
        tensors = _file_tensors(on, a, b) if on is not None else _generated(distribution or "")
        data["tensors"] = [{"tensor": name, **asdict(disagreement(x, a, b))} for name, x in tensors]
        if not data["tensors"]:
            msg = f"{on}: no 2-D float32, float16 or bfloat16 tensor whose blocks fit both recipes"
            raise InputError(msg)
    return data


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
    """Return the axes as a table, then a table of counts per tensor."""
    return apart(_axes_table(d), *(_counts_table(d, t) for t in d["tensors"]))


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
    for share in t["axes"]:
        percent = f" ({share['explained'] / t['differing']:.1%})" if t["differing"] else ""
        made.add_row(" + ".join(share["axes"]), f"{share['changed']:,}", f"{share['explained']:,}{percent}")
    return titled(
        f"{shown(t['tensor'])}: {t['differing']:,} of {t['blocks']:,} blocks differ ({counts})", made
    )


_COUNTS = {"choice": "choose otherwise", "block_scale": "other scale byte", "codes": "other codes"}

__all__ = ["difference", "difference_tables"]
