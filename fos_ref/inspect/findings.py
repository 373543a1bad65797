"""What the counts of a quantized weight say: bound, rule, block shape, special bytes.

Why the largest code of a block tells its rule: a block scale is the block amax over 6 (or 4) with one
rounding to E4M3, at most 1/16 off while the byte is normal, so the largest scaled magnitude of the block is
within 5.6..6.4 (or 3.5..4.5) and its code is 6 (or 4). Where a scale is subnormal, clamped or stands over
zeros that does not hold, and those blocks are left out.

Why the largest product tells the bound: the block that holds the tensor amax has block scale M and code 6, or
1.5 * M and code 4 with M = 256, so that the largest product of code and block scale is C = 6 * M. Plain bytes
cannot tell a tensor scale that was made from a larger amax than the weight's own.

A power of two (E8M0) is up to a factor of 2 off, so under it the largest code is 4 or 6 where it was rounded
down, and 3 to 6 where it was rounded up. It has no bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fos_ref.formats import decode, E2M1, E8M0, UE4M3
from fos_ref.formats.arrays import F64, I64
from fos_ref.inspect.tally import BYTES, MAGNITUDES, Tally
from fos_ref.recipes.axes import BlockShape, Candidates
from fos_ref.recipes.recipe import SCALE_BOUNDS
from fos_ref.storage.held import BlockFormat

UNTOLD = "cannot be told from the bytes"
_SIGN, _NAN = 0x80, 0x7F
_FIRST_NORMAL = 0x08
#: Bytes over which the largest code tells the rule: 0x08 may be a clamp's floor, 0x7F is NaN.
_TELLING = slice(_FIRST_NORMAL + 1, _NAN)
_AT_3, _AT_4, _AT_6 = 5, 6, 7  #: magnitude codes of 3, 4 and 6
_EXPANDED_BYTE = 0x7C  #: 384 = 1.5 * 256, the largest scale under bound 256
_NEITHER = 1e-3  #: share of blocks at neither from which on no 4/6 rule made them
LEAST_CHOSEN = 0.05  #: share of the rarer choice: 4/6 rules take 4 on 23 to 45 % of a bell-shaped weight
_SMALL, _LARGE = SCALE_BOUNDS
_SCALES: F64 = decode(np.arange(1 << 7), UE4M3)
_MAGNITUDES: F64 = decode(np.arange(MAGNITUDES), E2M1)
#: Of a block scale by its byte: bit 7 of an E4M3 byte is no part of it, and NaN counts as 0.
SCALE_VALUES: Mapping[BlockFormat, F64] = MappingProxyType(
    {
        BlockFormat.NVFP4: np.nan_to_num(np.concatenate([_SCALES, _SCALES])),
        BlockFormat.MXFP4: np.nan_to_num(decode(np.arange(BYTES), E8M0)),
    }
)
#: Bytes that are no number.
NAN_BYTES = MappingProxyType({BlockFormat.NVFP4: (_NAN, _SIGN | _NAN), BlockFormat.MXFP4: (BYTES - 1,)})


@dataclass(frozen=True, slots=True)
class Finding:
    """One property: its value, None where it cannot be told, and what was seen."""

    value: str | None
    evidence: str

    def to_dict(self) -> dict[str, str | None]:
        """Return the finding as plain JSON values."""
        return {"value": self.value, "evidence": self.evidence}


def _largest_product(units: I64, kind: BlockFormat) -> float:
    """Return the largest code times block scale that occurs; signed and NaN scales are left out."""
    last = _SIGN if kind is BlockFormat.NVFP4 else BYTES
    products = SCALE_VALUES[kind][:last, None] * _MAGNITUDES
    return float(products[units[:last] > 0].max(initial=0.0))


def _largest_byte(units: I64, kind: BlockFormat) -> int:
    """Return the largest scale byte below NaN that occurs, 0 where there is none."""
    found = np.flatnonzero(units[: NAN_BYTES[kind][0]].sum(axis=1))
    return int(found[-1]) if found.size else 0


def _bound(top: int, product: float) -> Finding:
    """Return the E4M3 bound: 448 or 256."""
    seen = f"largest block scale {_SCALES[top]:g} (0x{top:02X}), largest product with a code {product:g}"
    if top > _EXPANDED_BYTE or product > 6 * _SMALL:
        return Finding(str(_LARGE), f"{seen}: more than bound {_SMALL} allows")
    if product == 6 * _SMALL:
        return Finding(str(_SMALL), f"{seen} = 6 * {_SMALL}")
    return Finding(
        None, f"{UNTOLD}: {seen}, where a tensor scale of the weight's own amax gives 1536 or 2688"
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """How many blocks map to 4 and to 6, of those whose scale tells."""

    at_4: int
    at_6: int
    neither: int

    @property
    def share4(self) -> float | None:
        """The share of blocks at 4 among those at 4 or 6."""
        both = self.at_4 + self.at_6
        return self.at_4 / both if both else None

    @property
    def candidates(self) -> Candidates | None:
        """The rule; None where no block tells, or too many blocks are at neither."""
        total = self.at_4 + self.at_6 + self.neither
        if not self.at_4 + self.at_6 or self.neither > _NEITHER * total:
            return None
        if not self.at_4:
            return Candidates.SIX
        return Candidates.FOUR_OVER_SIX if self.at_6 else Candidates.FOUR

    @property
    def mixed(self) -> bool:
        """Whether there are strays: blocks of one kind, too few for a rule that chooses."""
        share = self.share4
        return share is not None and 0 < min(share, 1 - share) < LEAST_CHOSEN

    def finding(self, bound: str | None = None, *, tiled: bool = False) -> Finding:
        """Return the rule by its name in recipes: 6, 4 or 4/6.

        Under bound 256 no plain rule is known, so there 4/6 is named even where no block chose 4: over 16x16
        tiles it seldom does. Elsewhere a few strays name no rule.
        """
        found, share = self.candidates, self.share4
        if share is None:
            return Finding(None, f"{UNTOLD}: no block has a normal scale and a code other than 0")
        seen = f"{self.at_4:,} blocks reach 4, {self.at_6:,} reach 6"
        if self.neither:
            seen += f", {self.neither:,} neither"
        if found is None:
            return Finding(None, f"{UNTOLD}: {seen}: the scales are not those of the blocks' own maxima")
        if found is Candidates.SIX and bound == str(_SMALL):
            return Finding(Candidates.FOUR_OVER_SIX.value, f"{seen}; only 4/6 rules have bound {_SMALL}")
        if self.mixed and not tiled and bound != str(_SMALL):
            return Finding(
                None, f"{UNTOLD}: {seen}: too few of one kind for a 4/6 rule, and a plain one has none"
            )
        return Finding(found.value, seen)


def _rule_of(units: I64) -> Rule:
    """Count the blocks at 4 and at 6."""
    told = units[_TELLING].sum(axis=0)
    return Rule(int(told[_AT_4]), int(told[_AT_6]), int(told[1:_AT_4].sum()))


def _power_rule(largest: tuple[int, ...]) -> Finding:
    """Return the rule of E8M0 scales by how many blocks have each magnitude as their largest code."""
    codes = [f"{_MAGNITUDES[m]:g} in {largest[m]:,}" for m in range(1, MAGNITUDES) if largest[m]]
    seen = f"largest codes: {', '.join(codes) or 'none'}"
    if not any(largest[1:]):
        return Finding(None, f"{UNTOLD}: no block has a code other than 0")
    if not largest[_AT_6]:
        return Finding(Candidates.FOUR.value, f"{seen}: scales rounded up so that 4 is not passed")
    down = not any(largest[1:_AT_4])
    return Finding(Candidates.SIX.value, f"{seen}: scales rounded {'down' if down else 'up or to nearest'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The numbers that the counts of a weight come down to."""

    format: BlockFormat
    top: int  #: the largest scale byte
    product: float  #: the largest code times block scale
    rule: Rule
    largest: tuple[int, ...]  #: blocks by their largest magnitude
    tiled: bool
    plain_scales: bool
    counts: Mapping[str, int]
    zero_bytes: Mapping[int, int]  #: scale bytes of blocks that hold zeros only, and how many

    @classmethod
    def of(cls, tally: Tally, kind: BlockFormat) -> Facts:
        """Return what counts say under scales of a format."""
        units = tally.units if kind is BlockFormat.NVFP4 else tally.blocks
        return cls(
            format=kind,
            top=_largest_byte(units, kind),
            product=_largest_product(units, kind),
            rule=_rule_of(units) if kind is BlockFormat.NVFP4 else Rule(0, 0, 0),
            largest=tuple(units.sum(axis=0).tolist()),
            tiled=tally.tiled and kind is BlockFormat.NVFP4,
            plain_scales=tally.plain_scales,
            counts=_counts_of(tally, kind),
            zero_bytes={int(b): int(tally.blocks[b, 0]) for b in np.flatnonzero(tally.blocks[:, 0])},
        )

    @property
    def findings(self) -> dict[str, Finding]:
        """Return block shape, bound and rule."""
        if self.format is BlockFormat.MXFP4:
            return {
                "block_shape": Finding(BlockShape.ROW_32.value, "one scale byte for 32 values"),
                "bound": Finding(None, "E8M0 scales have none"),
                "rule": _power_rule(self.largest),
            }
        bound = _bound(self.top, self.product)
        return {
            "block_shape": self._shape(),
            "bound": bound,
            "rule": self.rule.finding(bound.value, tiled=self.tiled),
        }

    def _shape(self) -> Finding:
        if not self.tiled:
            return Finding(BlockShape.ROW_16.value, "scale bytes differ within 16 rows")
        if self.plain_scales:
            return Finding(None, f"{UNTOLD}: all blocks have the same scale byte")
        return Finding(BlockShape.TILE_16X16.value, "each scale byte is repeated over 16 rows, everywhere")


def _counts_of(tally: Tally, kind: BlockFormat) -> dict[str, int]:
    """Count what readers stumble over, in blocks; negative zeros in codes."""
    rows = tally.blocks.sum(axis=1)
    e4m3 = kind is BlockFormat.NVFP4
    zeros = (0, _SIGN) if e4m3 else ()
    return {
        "blocks": int(rows.sum()),
        "zero_scales": int(rows[list(zeros)].sum()),
        "subnormal_scales": int(rows[1:_FIRST_NORMAL].sum()) if e4m3 else 0,
        "nan_scales": int(rows[list(NAN_BYTES[kind])].sum()),
        "signed_scales": int(rows[_SIGN + 1 : BYTES - 1].sum()) if e4m3 else 0,
        "scales_at_448": int(rows[_NAN - 1]) if e4m3 else 0,
        "zero_blocks": int(tally.blocks[:, 0].sum()),
        "zero_scales_over_codes": int(tally.blocks[list(zeros), 1:].sum()),
        "negative_zeros": int(tally.codes[MAGNITUDES]),
        "codes": int(tally.codes.sum()),
    }
