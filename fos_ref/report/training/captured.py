"""A layer from a file: x, w and g that were captured, or a weight of a checkpoint beside made tensors."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np

from fos_ref.errors import InputError
from fos_ref.errors.text import listed
from fos_ref.foreign import shown
from fos_ref.formats.arrays import F32
from fos_ref.inputs.distributions import make
from fos_ref.report.tables import literal
from fos_ref.report.training.layer import NAMED, Tensors
from fos_ref.report.training.plan import Plan
from fos_ref.storage.safetensors_read import SafetensorsFile
from fos_ref.storage.select import FLOATS
from fos_ref.storage.tensor_info import TensorInfo

MULTIPLE = 128  #: of tokens, inputs and outputs: what every stack takes
MOST = 1024  #: rows and columns that are taken of a larger tensor
_SEED = 4


def read_layer(path: Path, plan: Plan) -> Tensors:
    """Return the layer that a safetensors file holds.

    With tensors called x, w and g these are it. Otherwise the first fitting tensor, by name, is W, and x
    (with outlier channels) and g (Student t3) are made. Of a longer axis the first 1024 are taken. Values are
    rounded to bfloat16.
    Raises: OSError, CheckpointError; InputError where no tensor fits, or x, w and g do not fit one another.
    """
    with SafetensorsFile(path) as file:
        infos = {name: i for name, i in file.tensors.items() if _fits(i)}
        if set(NAMED) <= set(file.tensors):
            return _captured(file, infos, path)
        if not infos:
            msg = f"{path}: no tensor is a layer's weight: {_ALLOWED} is allowed"
            raise InputError(msg)
        name = min(infos)
        w = _read(file, infos[name])
    n, k = w.shape
    t = plan.layer[0]
    x, g = (
        make(kind, shape, _SEED, "bfloat16").astype(np.float32)
        for kind, shape in (("outlier-channels", (t, k)), ("student-t3", (t, n)))
    )
    says = f"W is {n} x {k} values of {literal(name)} of {literal(path.name)}"
    return Tensors(x, w, g, f"{says}; {t} tokens, x with outlier channels and g Student t3 are made.")


_ALLOWED = (
    f"two axes in multiples of {MULTIPLE}, of {', '.join(FLOATS)}, with finite values that are not all 0"
)


def _fits(info: TensorInfo) -> bool:
    return info.dtype in FLOATS and len(info.shape) == 2 and all(n and n % MULTIPLE == 0 for n in info.shape)  # noqa: PLR2004


def _captured(file: SafetensorsFile, infos: dict[str, TensorInfo], path: Path) -> Tensors:
    odd = [name for name in NAMED if name not in infos]
    if odd:
        msg = f"{path}: tensor {shown(odd[0])}: {_ALLOWED} is allowed"
        raise InputError(msg)
    shapes = {name: infos[name].shape for name in NAMED}
    (t, k), n = shapes["x"], shapes["w"][0]
    if shapes["w"] != (n, k) or shapes["g"] != (t, n):
        msg = f"{path}: x, w and g of {listed(map(str, shapes.values()))}: (T, K), (N, K), (T, N) are allowed"
        raise InputError(msg)
    x, w, g = (_read(file, infos[name]) for name in NAMED)
    return Tensors(x, w, g, f"x, w and g of {literal(path.name)}.")


def _read(file: SafetensorsFile, info: TensorInfo) -> F32:
    """Return the first rows and columns in bfloat16, as float32."""
    rows, cols = info.shape
    taken = file.read_values(info.name, 0, min(rows, MOST) * cols).reshape(-1, cols)[:, :MOST]
    values: F32 = taken.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)
    if not np.isfinite(values).all() or not values.any():
        msg = f"tensor {shown(info.name)}: {_ALLOWED} is allowed"
        raise InputError(msg)
    return values
