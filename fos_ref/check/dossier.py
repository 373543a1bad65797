"""One block in full: what came, what the recipe gives, both candidates, and the line that reproduces it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fos_ref.check.bench import Case
from fos_ref.check.population import DECODE, ENCODE, Population, USED
from fos_ref.check.residual import ulps_apart
from fos_ref.check.steps import steps_of, walk, Walked
from fos_ref.formats.arrays import U8
from fos_ref.formats.bits import f32_bits, f32_hex
from fos_ref.model.trace import Candidate
from fos_ref.recipes.axes import AmaxScope
from fos_ref.recipes.recipe import Recipe
from fos_ref.storage.layout import stored

_SHOWN = 32  #: values of a block that are printed
_TILE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One candidate of the recipe."""

    name: str
    scale_byte: int
    scale: float
    codes: str  #: hex bytes
    error: float | None
    error_bits: str | None
    base: float  #: the block scale before rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A block and its two versions."""

    block: tuple[int, int]  #: row and column of the block
    x: tuple[str, ...]  #: float32 bits
    tensor_amax: str
    block_amax: str
    got: tuple[str, str]  #: (scale bytes, codes) in hex
    want: tuple[str, str]
    sides: tuple[Side, ...]
    kept: str
    ulps: int | None  #: between the two errors
    transposed: bool
    recipe: str
    row_scaled: bool
    fixed: tuple[str, str] | None = None  #: the argument that a caller fixed S or D by, its bits

    def reproduce(self) -> str:
        """Return one line that gives the recipe's bytes for this block; for a tile, from the caller's x."""
        words = ", ".join(f"0x{w}" for w in self.x)
        x = f"np.array([[{words}]], np.uint32).view(np.float32)"
        if len(self.x) > _SHOWN:
            row, col = (_TILE * at for at in self.block)
            turned = ".T" if self.transposed else ""
            x = f"x{turned}[{row}:{row + _TILE}, {col}:{col + _TILE}]"
        name, bits = self.fixed or ("amax", self.tensor_amax)
        value = f"np.uint32(0x{bits}).view(np.float32)"
        return f'fos_ref.quantize({x}, "{self.recipe}", {name}={f"[{value}]" if self.row_scaled else value})'

    def to_dict(self) -> dict[str, Any]:
        """Return the dossier as JSON values."""
        return {
            "block": list(self.block),
            "transposed": self.transposed,
            "x": list(self.x),
            "tensor_amax": self.tensor_amax,
            "block_amax": self.block_amax,
            "got": {"scale": self.got[0], "codes": self.got[1]},
            "want": {"scale": self.want[0], "codes": self.want[1]},
            "candidates": [_side_dict(s) for s in self.sides],
            "kept": self.kept,
            "ulps": self.ulps,
            "reproduce": self.reproduce(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the block as text."""
        turned = " of x transposed" if self.transposed else ""
        yield f"  block {self.block}{turned}, tensor amax {self.tensor_amax}, block amax {self.block_amax}"
        yield f"    got   scale {self.got[0]}  codes {_cut(self.got[1])}"
        yield f"    want  scale {self.want[0]}  codes {_cut(self.want[1])}  ({self.kept})"
        for s in self.sides:
            error = "" if s.error is None else f"  error {s.error:.9g} ({s.error_bits})"
            yield f"    {s.name}  scale {s.scale_byte:02X} = {s.scale:g} from {s.base:.9g}{error}"
            yield f"          codes {_cut(s.codes)}"
        if self.ulps is not None:
            yield f"    the errors are {self.ulps:,} float32 steps apart"
        yield f"    reproduce: {self.reproduce()}"


def _side_dict(s: Side) -> dict[str, Any]:
    return {
        "name": s.name,
        "scale_byte": f"{s.scale_byte:02X}",
        "scale": _number(s.scale),
        "base": _number(s.base),
        "codes": s.codes,
        "error": None if s.error is None else _number(s.error),
        "error_bits": s.error_bits,
    }


def _number(v: float) -> float | str:
    """Return a number as JSON has it: NaN and infinities as text."""
    return v if np.isfinite(v) else str(v)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def dossier(c: Case, r: Recipe, i: int) -> Dossier:
    """Return the dossier of block i of a case under the recipe."""
    index = np.array([i])
    p = c.source.pick(index)
    w = walk(p, steps_of(r))
    got = c.got.pick(index)
    return Dossier(
        block=(int(i // c.source.blocks.shape[1]), int(i % c.source.blocks.shape[1])),
        x=tuple(f"{int(b):08X}" for b in f32_bits(p.x).ravel()),
        tensor_amax=f32_hex(p.amaxes[USED][0, 0]),
        block_amax=f32_hex(np.abs(p.x).max()),
        got=(_hex(np.unique(got.scales)) if _alike(got.scales) else _hex(got.scales), _hex(got.codes)),
        want=(_hex(w.scale), _hex(w.codes)),
        sides=tuple(_sides(w, r)),
        kept=_kept(w),
        ulps=int(ulps_apart(w)[0]) if w.map6 and w.map4 and w.map6.error is not None else None,
        transposed="Transposed" in c.flags,
        recipe=r.name,
        row_scaled=r.amax_scope is AmaxScope.ROW,
        fixed=_fixed(p),
    )


def _fixed(p: Population) -> tuple[str, str] | None:
    """Return S or D as an argument, whichever the other follows from."""
    if p.source.recipe is None:
        return None
    encode, decode = p.amaxes[ENCODE][0, 0], p.amaxes[DECODE][0, 0]
    if np.float32(1) / encode == decode:
        return "encode_scale", f32_hex(encode)
    return "tensor_scale", f32_hex(decode)


def _alike(a: U8) -> bool:
    return len(np.unique(a)) == 1


def _hex(a: U8) -> str:
    return np.ascontiguousarray(a).tobytes().hex().upper()


def _kept(w: Walked) -> str:
    if w.map6 is None or w.map4 is None:
        return "the only candidate"
    return "map4" if w.picked4[0] else "map6"


def _sides(w: Walked, r: Recipe) -> Iterator[Side]:
    for name, c in (("map6", w.map6), ("map4", w.map4)):
        if c is not None:
            yield _side(name, c, r)


def _side(name: str, c: Candidate, r: Recipe) -> Side:
    codes: U8 = c.codes[0, 0]
    error = None if c.error is None else c.error[0, 0]
    return Side(
        name=name,
        scale_byte=int(c.scale_code[0, 0]),
        scale=float(c.scale[0, 0]),
        codes=_hex(stored(codes, r)),
        error=None if error is None else float(error),
        error_bits=None if error is None else f32_hex(error),
        base=float(c.base[0, 0]),
    )
