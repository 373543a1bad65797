"""Vectors that tell accumulators apart, and which accumulators have given outputs.

A unit that adds in another way gives another bit on one of them: how many bits its alignment keeps (V1), its
order (V2), its rounding (V3), how many values a step takes (V4), whether a block is exact (V5).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from fos_ref.engines.from_bytes import from_bytes
from fos_ref.errors import InputError
from fos_ref.matmul.accumulate import Accumulator, Order, Terms
from fos_ref.matmul.integer_accumulators import added, PLACES, Term, terms_of
from fos_ref.matmul.models import Factors, MODELS
from fos_ref.storage.layout import pack_nibbles
from fos_ref.storage.tensor import QuantizedTensor

LOWEST, HALF_LOWEST = -126, -14  #: exponents that subnormal float32 and float16 values keep
_STEP = 4  #: blocks of 16 in an instruction of 64


class Block(NamedTuple):
    """16 products: a scale byte of both sides, and the leading codes of each; the others are 0."""

    scale: int
    a: Sequence[int] = ()
    b: Sequence[int] = ()


UP, DOWN = Block(0x7E, (7,), (7,)), Block(0x7E, (7,), (15,))  #: 6*6 under 448*448, and its negative
LARGE = Block(0x78, (6,) * 16, (6,) * 16)  #: 2^24
UNIT = Block(0x38, (2,), (2,))  #: 1
EMPTY = Block(0)


def _steps(*steps: Sequence[Block]) -> tuple[Block, ...]:
    """Return blocks that fill whole instructions."""
    return tuple(block for step in steps for block in (*step, *(EMPTY,) * (-len(step) % _STEP)))


#: name -> (what it measures, its blocks).
VECTORS: Mapping[str, tuple[str, tuple[Block, ...]]] = MappingProxyType(
    {
        "V1": ("up, 2^-20 and down in one step", _steps((UP, Block(1, (1,), (1,)), DOWN))),
        "V1b": ("up, 2^-19 and down in one step", _steps((UP, Block(1, (1,), (2,)), DOWN))),
        "V1c": ("up, 2^-18 and down in one step", _steps((UP, Block(1, (2,), (2,)), DOWN))),
        "V2": ("2^-20, up and down in steps of their own", _steps((Block(1, (1,), (1,)),), (UP,), (DOWN,))),
        "V3": ("2^24, then 1.5", _steps((LARGE,), (Block(0x38, (2,), (3,)),))),
        "V4": ("2^24, then 63 steps of 1", _steps((LARGE,), *[(UNIT,)] * 63)),
        "V4b": ("63 steps of 1, then 2^24", _steps(*[(UNIT,)] * 63, (LARGE,))),
        "V4c": ("2^24, then 21 steps of three times 1", _steps((LARGE,), *[(UNIT,) * 3] * 21)),
        "V5": (
            "2^24, then one block of eight times 1 and seven times -1",
            _steps((LARGE,), (Block(0x38, (2,) * 15, (2,) * 8 + (10,) * 7),)),
        ),
    }
)
ASKED = ("V1b", "V2", "V3", "V4c", "V5")  #: five that tell the bits, order, rounding, step and block
#: Fraction bits and steps of the accumulators that are tried.
_BITS, _GROUP_STEPS, _ELEMENT_STEPS = range(10, 41), (16, 32, 64, 128, 256), (4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Told:
    """What outputs say of the accumulator that gave them."""

    exact: bool  #: whether they are the exact sums, rounded once
    forms: tuple[Accumulator, ...]  #: the accumulators that give all of them
    models: tuple[str, ...]  #: the programs that have one of these

    def to_dict(self) -> dict[str, object]:
        """Return what `fos matmul accumulator --json` prints."""
        return {
            "exact": self.exact,
            "models": list(self.models),
            "terms": sorted({f.terms.value for f in self.forms}),
            "order": sorted({f.order.value for f in self.forms}),
            "bits": sorted({f.align for f in self.forms if f.align is not None}),
            "step": sorted({f.step for f in self.forms if f.align is not None}),
            "nearest": any(f.align is None for f in self.forms),
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.exact:
            yield "the exact sums, rounded once"
        elif not self.forms:
            yield "no accumulator that is known here gives these outputs"
            return
        said = self.to_dict()
        if said["nearest"]:
            yield "float32 additions, each rounded to nearest"
        for name in ("terms", "order", "bits", "step"):
            values = said[name]
            if isinstance(values, list) and values:
                yield f"  {name}: {_listed(values)}"
        yield f"  models: {', '.join(self.models) or 'none'}"


def _listed(values: Sequence[object]) -> str:
    """Return numbers that follow one another as a range, others one by one."""
    whole = [v for v in values if isinstance(v, int)]
    if len(whole) > 2 and whole == list(range(whole[0], whole[-1] + 1)):  # noqa: PLR2004
        return f"{whole[0]} to {whole[-1]}"
    return ", ".join(map(str, values))


def operands_of(name: str) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return a (1, K) and b (1, K) of a vector, in recipe nvfp4 without a tensor scale."""
    return rows(VECTORS[name][1])


def rows(blocks: Sequence[Block]) -> tuple[QuantizedTensor, QuantizedTensor]:
    """Return blocks as two quantized rows."""
    codes = np.zeros((2, len(blocks), 16), dtype=np.uint8)
    for k, block in enumerate(blocks):
        codes[0, k, : len(block.a)], codes[1, k, : len(block.b)] = block.a, block.b
    scales = np.array([[block.scale for block in blocks]], dtype=np.uint8)
    a, b = (from_bytes(pack_nibbles(c.reshape(1, -1)), scales, "nvfp4", tensor_scale=1.0) for c in codes)
    return a, b


def which_accumulator(outputs: Mapping[str, float]) -> Told:
    """Return which accumulators give these outputs of the vectors.

    outputs:  name of a vector -> the unit's accumulator, before alpha. The five of ASKED tell the known ones
              apart; more of VECTORS narrow the bits
    Rounding: none of `outputs`. Tried: single products and products of 16, both orders, each addition
              rounded to nearest; or aligned to 10 to 40 bits, steps of 4 to 256 values, cut toward zero.
    Specials: -0 and +0 are equal.
    Raises:   InputError for another name, and where no output is given.
    Source:   docs/products.md, "Vectors that tell accumulators apart".
    """
    for name in outputs:
        if name not in VECTORS:
            msg = f"vector {name!r}: one of {', '.join(VECTORS)} is allowed"
            raise InputError(msg)
    if not outputs:
        msg = f"no output: those of {', '.join(ASKED)} are asked for"
        raise InputError(msg)
    found = tuple(f for f in forms() if all(added_of(n, f) == v for n, v in outputs.items()))
    exact = all(float(np.float32(_exact(n))) == v for n, v in outputs.items())
    return Told(exact, found, tuple(n for n in MODELS if _plain(n) in found))


def _plain(model: str) -> Accumulator | None:
    m = MODELS[model]
    return m.accumulator if m.factors is Factors.CODES else None


@cache
def forms() -> tuple[Accumulator, ...]:
    """Return every accumulator that is tried."""
    found = [Accumulator(terms=t, order=o) for t in Terms for o in Order]
    for terms, steps in ((Terms.GROUPS, _GROUP_STEPS), (Terms.ELEMENTS, _ELEMENT_STEPS)):
        lowest = HALF_LOWEST if terms is Terms.ELEMENTS else LOWEST
        found += [
            Accumulator(terms=terms, order=o, align=bits, step=step, lowest=lowest)
            for o in Order
            for bits in _BITS
            for step in steps
        ]
    return tuple(found)


@cache
def added_of(name: str, form: Accumulator) -> float:
    """Return what an accumulator gives for a vector."""
    return added(_terms(name, form.terms, form.lowest), form)


@cache
def _terms(name: str, terms: Terms, lowest: int) -> tuple[Term, ...]:
    return terms_of(*operands_of(name), Accumulator(terms=terms, lowest=lowest))


@cache
def _exact(name: str) -> float:
    return sum(t.value for t in _terms(name, Terms.GROUPS, LOWEST)) * 2.0**-PLACES
