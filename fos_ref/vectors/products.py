"""v1/products.json: products of two quantized rows that tell accumulators apart, and edges of their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from fos_ref.engines.from_bytes import from_bytes
from fos_ref.errors import GoldenFormatError
from fos_ref.formats.arrays import AnyArray
from fos_ref.formats.bits import canonical_nan, f32_hex
from fos_ref.matmul.accumulate import accumulate, Accumulator, Order, Terms
from fos_ref.matmul.certify import certificate, LEVELS
from fos_ref.matmul.operand import operands
from fos_ref.matmul.product import exact
from fos_ref.matmul.run import run
from fos_ref.matmul.telling import operands_of, VECTORS
from fos_ref.storage.layout import pack_nibbles
from fos_ref.storage.tensor import QuantizedTensor
from fos_ref.vectors.bits import Json
from fos_ref.vectors.bits_text import to_hex
from fos_ref.vectors.canonical import FORMAT, parse
from fos_ref.vectors.distinguishing.check import Failure
from fos_ref.vectors.schema import check

NAME = "v1/products.json"
KIND = "products"
RECIPE = "nvfp4"
_COMMENT = (
    "out = sum of a[k] * b[k] in codes times block scales, one output a vector. exact_bits is the exact sum "
    "in float64; accumulators are float32, before alpha: docs/products.md says what each one does. outputs "
    "are those of programs, alpha included, where the tensor amaxes are given. wrong: what a mistake gives."
)
_GROUPS = Terms.GROUPS
#: name -> the accumulator. A name of a model is that model's.
ACCUMULATORS: Mapping[str, Accumulator] = MappingProxyType(
    {
        "te": Accumulator(terms=_GROUPS),
        "te-reversed": Accumulator(terms=_GROUPS, order=Order.REVERSE),
        "cutlass": Accumulator(terms=Terms.ELEMENTS),
        "blackwell-fp4": Accumulator(terms=_GROUPS, align=35, step=64),
        "34-bits": Accumulator(terms=_GROUPS, align=34, step=64),
        "25-bits": Accumulator(terms=_GROUPS, align=25, step=64),
        "steps-of-128": Accumulator(terms=_GROUPS, align=35, step=128),
    }
)
#: Programs whose alpha is another form.
PROGRAMS = ("exact", "te", "cutlass", "flashinfer", "torchao")
_ONE, _NAN, _BIT = 0x38, 0x7F, 0x80
_SLICE = 128  #: values of K under one scale in the vector of split K


@dataclass(frozen=True, slots=True)
class Given:
    """The input of one vector, and what mistakes give, in float64."""

    name: str
    comment: str
    a: QuantizedTensor
    b: QuantizedTensor
    amaxes: tuple[float, float] | None = None
    wrong: Mapping[str, float] = field(default_factory=dict)


def given() -> Iterator[Given]:
    """Yield the vectors of docs/products.md, then the edges."""
    for name, (says, _) in VECTORS.items():
        yield Given(name, says, *operands_of(name))
    yield from _edges()


def _edges() -> Iterator[Given]:
    ones, plain = np.full((1, 32), 2, np.uint8), [_ONE, _ONE]
    yield _given(
        "scale-bit-7", "bit 7 of a scale byte has no meaning", (ones, [_ONE | _BIT, _ONE]), (ones, plain)
    )
    yield _given("scale-7f", "a block scale of 7F is NaN", (ones, [_NAN, _ONE]), (ones, plain))
    yield _given("code-8", "code 8 is a zero", (np.full((1, 32), 8, np.uint8), plain), (ones, plain))
    tail = np.full((1, 80), 2, np.uint8)
    yield _given("tail", "K = 80 is no multiple of 64", (tail, [_ONE] * 5), (tail, [_ONE] * 4 + [0x40]))
    long = np.full((1, 4 * _SLICE), 2, np.uint8)
    scales = np.repeat([_ONE, 0x40, 0x48, 0x50], _SLICE // 16).tolist()
    yield _given("split-k", "scales 1, 2, 4, 8 along K", (long, scales), (long, scales))
    most = (np.full((1, 16), 7, np.uint8), [0x7E])
    for name, says, pair in (
        ("alpha-underflow", "amaxes whose encode scales overflow when multiplied", (3e-20, 3e-17)),
        ("alpha-rounded", "amaxes that each form of alpha rounds to other bits", (0.3, 11.7)),
        ("alpha-overflow", "an output past float32", (3e38, 3e38)),
    ):
        yield _given(name, says, most, most, pair)


#: edge -> mistake -> the output that it gives.
_WRONG: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "scale-bit-7": {"ScaleSign": 0.0},
        "scale-7f": {"ScaleNaN-448": 16.0 * 448 + 16, "ScaleNaN-480": 16.0 * 480 + 16, "ScaleNaN-0": 16.0},
        "code-8": {"CodeEight": -8.0 * 32},
        "tail": {"TailLost": 64.0},
        "split-k": {"ScaleSlice": 1280.0},
    }
)


def _given(
    name: str,
    says: str,
    a: tuple[AnyArray, list[int]],
    b: tuple[AnyArray, list[int]],
    amaxes: tuple[float, float] | None = None,
) -> Given:
    fixed = (
        [{"tensor_scale": 1.0}] * 2 if amaxes is None else [{"amax": np.float32(v).item()} for v in amaxes]
    )
    x, y = (
        from_bytes(pack_nibbles(codes), np.array([scales], np.uint8), RECIPE, **more)  # type: ignore[arg-type]
        for (codes, scales), more in zip((a, b), fixed, strict=True)
    )
    return Given(name, says, x, y, amaxes, _WRONG.get(name, {}))


def document() -> Json:
    """Return the whole file."""
    return {
        "format": FORMAT,
        "kind": KIND,
        "comment": _COMMENT,
        "recipe": RECIPE,
        "vectors": [*map(_vector, given())],
    }


def _vector(g: Given) -> Json:
    return {
        "id": f"products/{g.name.lower()}",
        "comment": g.comment,
        "columns": 2 * g.a.codes.shape[1],
        "a": _side(g.a, g.amaxes is not None),
        "b": _side(g.b, g.amaxes is not None),
        **computed(g.a, g.b, alpha=g.amaxes is not None),
        "wrong": {name: f32_hex(np.float32(v)) for name, v in g.wrong.items()},
    }


def _side(q: QuantizedTensor, given_amax: bool) -> Json:  # noqa: FBT001 -- one caller
    return {
        "codes": to_hex(q.codes)[0],
        "block_scales": to_hex(q.block_scales)[0],
        "amax_bits": f32_hex(q.tensor_amax.item()) if given_amax else None,
    }


def computed(a: QuantizedTensor, b: QuantizedTensor, *, alpha: bool) -> Json:
    """Return what a vector's input gives."""
    x, y = operands(a, b, KIND)
    value = exact(a, b).astype(np.float64)
    sums = {n: accumulate(x, y, form).total for n, form in ACCUMULATORS.items()}
    return {
        "exact_bits": f"{int(np.where(np.isnan(value), np.nan, value).view(np.uint64)[0, 0]):016X}",
        "certified": {level: bool(certificate(a, b, level)[0, 0]) for level in LEVELS},
        "accumulators": {n: _word(v) for n, v in sums.items()},
        "outputs": {n: _word(run(a, b, n)) for n in PROGRAMS} if alpha else None,
    }


def _word(v: AnyArray) -> str:
    return f32_hex(canonical_nan(np.asarray(v, dtype=np.float32))[0, 0])


def read(data: bytes, name: str = NAME) -> list[tuple[Json, QuantizedTensor, QuantizedTensor]]:
    """Return each vector with its operands; GoldenFormatError for a file of another form."""
    found = parse(data, name)
    check(found, KIND, name)
    ids = [v["id"] for v in found["vectors"]]
    if len(set(ids)) < len(ids):
        msg = f"{name}: an id stands there twice"
        raise GoldenFormatError(msg)
    return [(v, _operand(v, "a"), _operand(v, "b")) for v in found["vectors"]]


def _operand(v: Json, which: str) -> QuantizedTensor:
    side, columns = v[which], v["columns"]
    codes, scales = (
        np.array([[int(w, 16) for w in side[k].split(" ")]], np.uint8) for k in ("codes", "block_scales")
    )
    if columns % 16 or codes.shape[1] * 2 != columns or scales.shape[1] * 16 != columns:
        msg = f"{v['id']}: {which}: {columns // 2} bytes of codes and {columns // 16} of scales are allowed"
        raise GoldenFormatError(msg)
    bits = side["amax_bits"]
    more: dict[str, Any] = {"tensor_scale": 1.0}
    if bits is not None:
        more = {"amax": np.uint32(int(bits, 16)).view(np.float32).item()}
    return from_bytes(codes, scales, RECIPE, **more)


def failures(data: bytes) -> list[Failure]:
    """Return what the products give that is not as committed.

    Raises: GoldenFormatError for another form than `document` has.
    """
    found = []
    for v, a, b in read(data):
        if (v["a"]["amax_bits"] is None) != (v["outputs"] is None):
            msg = f"{NAME}: {v['id']}: outputs belong to given amaxes"
            raise GoldenFormatError(msg)
        got = computed(a, b, alpha=v["outputs"] is not None)
        found += [Failure(v["id"], -1, k, value, v[k]) for k, value in got.items() if value != v[k]]
    return found


__all__ = ["ACCUMULATORS", "KIND", "NAME", "document", "failures", "read"]
