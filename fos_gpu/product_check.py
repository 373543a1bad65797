"""`fos_gpu.check_matmul`: an output on a device against the exact product, its certificates and bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from fos_gpu import launch
from fos_gpu.products import BLOCKS, DeviceProduct, ELEMENTS, multiply
from fos_gpu.quantized import DeviceQuantized
from fos_gpu.tensors import empty, launching, take, Tensor, to_numpy
from fos_ref.arguments import one_of
from fos_ref.engines.given import float32_values
from fos_ref.errors import DtypeError, InputError, ShapeError
from fos_ref.formats.arrays import I64
from fos_ref.matmul.alpha import ALPHAS
from fos_ref.matmul.judge import check_matmul as check_on_host
from fos_ref.matmul.judge import MatmulDiagnosis
from fos_ref.matmul.judge.diagnosis import ANY_ORDER, CERTIFIED, OUTSIDE, RUNNING, Wrong
from fos_ref.matmul.judge.known import ANY_ALPHA, GIVEN_ALPHA
from fos_ref.storage.tensor import QuantizedTensor

KINDS = {"float32": 0, "bfloat16": 1, "float16": 2}  #: as in csrc/fos_verdict.h
MODELS = ("te",)  #: whose bits are looked for
ALPHA_THEN_CAST, CAST_THEN_ALPHA, ONE_ROUNDING = 0, 1, 2
COUNTED = 7
SURE, EQUAL, OUTSIDE_OF_ALL, WRONG, LOOSE, TE, FIRST = range(COUNTED)
PART = 64  #: rows and columns in which the host looks for the mistake


@dataclass(frozen=True, slots=True)
class _Form:
    """A form of alpha: its name, its value, the way of the last rounding."""

    name: str
    alpha: np.float32
    way: int


class _Given(NamedTuple):
    """What a caller gives."""

    out: Any
    a: DeviceQuantized
    b: DeviceQuantized
    model: str | None
    alpha: Any


def check_matmul(
    out: Any, a: DeviceQuantized, b: DeviceQuantized, model: str | None = None, alpha: Any = None
) -> MatmulDiagnosis:
    """Say what `fos_ref.verify.check_matmul` says of an output on the device, without copying it.

    model:    "te", or None: any. `models` of the result names no other one
    alpha:    one number, float32; None: the tensor scales of a and b, in any of the known forms
    Shapes:   a (M, K), b (N, K), out (M, N) contiguous
    Dtypes:   out float32, bfloat16 or float16: CuPy, torch or DLPack
    Verdict:  as there; "inside-running-bound" means TransformerEngine's order. An output that was rounded
              once, with the exact ratio, counts as one with another alpha. Causes are those that the host
              finds in at most 64 rows and columns around the first wrong outputs.
    Streams:  the current one of a's framework; waits for the device.
    Raises:   as `fos_gpu.products.multiply`; ShapeError and DtypeError for `out`; InputError for another
              model or alpha, and for a tensor scale for each row.
    """
    if model is not None:
        one_of(model, MODELS, "model")
    found = multiply(a, b, "check_matmul")
    tensor = _output(out, (a.rows, b.rows))
    factors = _factors(a, b, alpha)
    middle = factors["as given" if alpha is not None else "exact"]
    error = GIVEN_ALPHA if alpha is not None else ANY_ALPHA
    mask = BLOCKS if model == "te" else BLOCKS | ELEMENTS

    def counts(f: _Form) -> I64:
        return _counted(tensor, found, (found.groups, f.alpha, f.way, middle, error, mask))

    forms = [(f, counts(f)) for f in _forms(factors, tensor.dtype)]
    best, sums = max(forms, key=lambda e: int(e[1][:, EQUAL].sum()))  # the first of equals
    fixed = alpha is not None and tensor.dtype == "float32"
    column = WRONG if fixed else OUTSIDE_OF_ALL
    te = next(c for f, c in forms if f.name in ("as given", "amax-product"))
    same = MODELS if int(te[:, TE].sum()) == tensor.size else ()
    return _diagnosis(_Given(out, a, b, model, alpha), sums, column, best.name, same)


def _output(out: Any, shape: tuple[int, int]) -> Tensor:
    tensor = take(out, "out", alignment=4)
    if tensor.dtype not in KINDS:
        msg = f"out of dtype {tensor.dtype}: one of {', '.join(KINDS)} is allowed"
        raise DtypeError(msg)
    if tensor.shape != shape:
        msg = f"out of shape {tensor.shape}: the product has {shape}"
        raise ShapeError(msg)
    return tensor


def _factors(a: DeviceQuantized, b: DeviceQuantized, alpha: Any) -> dict[str, np.float32]:
    """Return the forms of alpha by name."""
    if alpha is not None:
        given = float32_values(alpha, "alpha")
        if given.size != 1:
            msg = f"alpha of shape {given.shape}: one number is allowed on a device"
            raise ShapeError(msg)
        return {"as given": np.float32(given.item())}
    if a.tensor_scales.shape[1] != 1 or b.tensor_scales.shape[1] != 1:
        msg = "a tensor scale for each row: pass the accumulator with alpha=1, or use fos_ref.verify"
        raise InputError(msg)
    left, right = (_scales_alone(q) for q in (a, b))
    return {name: np.float32(form(left, right)) for name, form in ALPHAS.items()}


def _scales_alone(q: DeviceQuantized) -> QuantizedTensor:
    """Return a tensor of no rows with the tensor scales of q, on the host."""
    amax, encode, decode = (v.reshape(()) for v in to_numpy(q.tensor_scales)[:, 0])
    return QuantizedTensor(
        codes=np.zeros((0, q.cols // 2), np.uint8),
        block_scales=np.zeros((0, q.cols // 16), np.uint8),
        tensor_amax=amax,
        encode_scale=encode,
        decode_scale=decode,
        picked4=None,
        recipe=q.recipe,
        shape=(0, q.cols),
    )


def _forms(factors: dict[str, np.float32], dtype: str) -> Iterator[_Form]:
    """Yield what an output may be, the likeliest first, as fos_ref.matmul.judge.known.expected does."""
    for name, alpha in factors.items():
        yield _Form(name, alpha, ALPHA_THEN_CAST)
        if dtype != "float32":
            yield _Form(f"{name}, in {dtype}", alpha, CAST_THEN_ALPHA)
            yield _Form(f"{name}, rounded once", alpha, ONE_ROUNDING)


def _counted(tensor: Tensor, found: DeviceProduct, asked: tuple[Any, ...]) -> I64:
    """Return the counts of each row (M, 7)."""
    rows = tensor.shape[0]
    with launching(tensor.place, f"a product of shape {tensor.shape}"):
        own = empty((rows, COUNTED), "int64", tensor.place)
        if tensor.size:
            words = take(own, "counts").words((rows, COUNTED))
            launch.judge((tensor.words(tensor.shape), KINDS[tensor.dtype]), found.words(), asked, words)
    return to_numpy(own) if tensor.size else np.zeros((rows, COUNTED), np.int64)


def _diagnosis(given: _Given, sums: I64, column: int, form: str, same: tuple[str, ...]) -> MatmulDiagnosis:
    total, shape = sums.sum(axis=0), (given.a.rows, given.b.rows)
    outputs, sure = shape[0] * shape[1], int(total[SURE])
    wrong, unequal = int(total[column]), sure - int(total[EQUAL])
    verdict = _verdict(wrong, unequal, int(total[LOOSE]), sure == outputs)
    where = _wrong_parts(sums, column, shape) if verdict == OUTSIDE else None
    first: Wrong | None = None
    names: tuple[str, ...] = ()
    if where is not None:
        first, names = _explained(given, *where)
    return MatmulDiagnosis(
        equal=given.model in same if given.model is not None else bool(same) or verdict == CERTIFIED,
        verdict=verdict,
        models=same,
        certified=sure / outputs if outputs else 1.0,
        outputs=outputs,
        wrong=wrong,
        causes=names,
        alpha=form if sure and not unequal else None,
        first=first,
    )


def _verdict(wrong: int, unequal: int, loose: int, all_sure: bool) -> str:  # noqa: FBT001 -- a count in one bit
    if wrong:
        return OUTSIDE
    if unequal:
        return ANY_ORDER
    return CERTIFIED if all_sure else ANY_ORDER if loose else RUNNING


def _wrong_parts(sums: I64, column: int, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Return the rows and columns that the host looks at: the same ones, so a transposed output stays one."""
    rows = np.flatnonzero(sums[:, column])
    cols = np.minimum(sums[rows, FIRST], shape[1] - 1)
    wanted = [int(v) for pair in zip(rows.tolist(), cols.tolist(), strict=True) for v in pair]
    chosen = np.sort(np.array(list(dict.fromkeys([*wanted, *range(PART)]))[:PART], dtype=np.int64))
    return chosen[chosen < shape[0]], chosen[chosen < shape[1]]


def _explained(given: _Given, rows: Any, cols: Any) -> tuple[Wrong | None, tuple[str, ...]]:
    """Return the first wrong output and the causes, from a part of the product on the host."""
    part = to_numpy(given.out)[np.ix_(rows, cols)]
    a, b = _rows(given.a, rows), _rows(given.b, cols)
    found = check_on_host(part, a, b, model=given.model, alpha=given.alpha)
    first = found.first
    if first is not None:
        first = replace(first, row=int(rows[first.row]), column=int(cols[first.column]))
    return first, found.causes


def _rows(q: DeviceQuantized, rows: Any) -> QuantizedTensor:
    """Return some rows of a tensor, on the host."""
    whole = q.to_host()
    codes = whole.codes.reshape(-1, whole.codes.shape[-1])[rows]
    scales = whole.block_scales.reshape(-1, whole.block_scales.shape[-1])[rows]
    by_row = whole.tensor_amax.ndim == 1
    three = {n: getattr(whole, n) for n in ("tensor_amax", "encode_scale", "decode_scale")}
    cut = {n: v[rows] for n, v in three.items()} if by_row else three
    return replace(whole, codes=codes, block_scales=scales, picked4=None, shape=(len(rows), q.cols), **cut)
