"""What the counts of a quantized weight say: bound, rule, block shape, special bytes.

Why the largest code of a block tells its rule: a block scale is the block amax over 6 (or 4) with one
rounding to E4M3, at most 1/16 off while the byte is normal, so the largest scaled magnitude of the block is
within 5.6..6.4 (or 3.5..4.5) and its code is 6 (or 4). Where a scale is subnormal, clamped or stands over
zeros that does not hold, and those blocks are left out.

Why the largest product tells the bound: the block that holds the tensor amax has block scale M and code 6, or
1.5 * M and code 4 with M = 256, so that the largest product of code and block scale is C = 6 * M. Plain bytes
cannot tell a tensor scale that was made from a larger amax than the weight's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fos_ref.formats import decode, E2M1, UE4M3
from fos_ref.formats.arrays import F64, I64
from fos_ref.inspect.tally import MAGNITUDES, Tally
from fos_ref.recipes.axes import BlockShape, Candidates
from fos_ref.recipes.recipe import SCALE_BOUNDS

UNTOLD = "cannot be told from the bytes"
_SIGN, _NAN = 0x80, 0x7F
_FIRST_NORMAL = 0x08
#: Bytes over which the largest code tells the rule: 0x08 may be a clamp's floor, 0x7F is NaN.
_TELLING = slice(_FIRST_NORMAL + 1, _NAN)
_AT_4, _AT_6 = 6, 7  #: magnitude codes of 4 and 6
_EXPANDED_BYTE = 0x7C  #: 384 = 1.5 * 256, the largest scale under bound 256
_NEITHER = 1e-3  #: share of blocks at neither from which on no 4/6 rule made them
LEAST_CHOSEN = 0.05  #: share of the rarer choice: 4/6 rules take 4 on 23 to 45 % of a bell-shaped weight
_SMALL, _LARGE = SCALE_BOUNDS
_SCALES: F64 = decode(np.arange(1 << 7), UE4M3)
_MAGNITUDES: F64 = decode(np.arange(MAGNITUDES), E2M1)
_PRODUCTS: F64 = np.where(np.isnan(_SCALES), 0, _SCALES)[:, None] * _MAGNITUDES


@dataclass(frozen=True, slots=True)
class Finding:
    """One property: its value, None where it cannot be told, and what was seen."""

    value: str | None
    evidence: str

    def to_dict(self) -> dict[str, str | None]:
        """Return the finding as plain JSON values."""
        return {"value": self.value, "evidence": self.evidence}


def largest_product(units: I64) -> float:
    """Return the largest code times block scale that occurs; signs and NaN scales are left out."""
    occurs = units[:_SIGN] > 0
    return float(_PRODUCTS[occurs].max(initial=0.0))


def largest_byte(units: I64) -> int:
    """Return the largest scale byte below NaN that occurs, 0 where there is none."""
    found = np.flatnonzero(units[:_NAN].sum(axis=1))
    return int(found[-1]) if found.size else 0


def bound_of(units: I64) -> Finding:
    """Return the E4M3 bound: 448 or 256."""
    top, product = largest_byte(units), largest_product(units)
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


def rule_of(units: I64) -> Rule:
    """Count the blocks at 4 and at 6."""
    told = units[_TELLING].sum(axis=0)
    return Rule(int(told[_AT_4]), int(told[_AT_6]), int(told[1:_AT_4].sum()))


def shape_of(tally: Tally) -> Finding:
    """Return whether a scale stands for 16 values or for a 16x16 tile."""
    if not tally.tiled:
        return Finding(BlockShape.ROW_16.value, "scale bytes differ within 16 rows")
    if tally.plain_scales:
        return Finding(None, f"{UNTOLD}: all blocks have the same scale byte")
    return Finding(BlockShape.TILE_16X16.value, "each scale byte is repeated over 16 rows, everywhere")


def counts_of(tally: Tally) -> dict[str, int]:
    """Count what readers stumble over, in blocks of 1x16 values; negative zeros in codes."""
    rows = tally.blocks.sum(axis=1)
    signed = rows[_SIGN:].copy()
    nan = rows[_NAN] + signed[_NAN]
    return {
        "blocks": int(rows.sum()),
        "zero_scales": int(rows[0] + signed[0]),
        "subnormal_scales": int(rows[1:_FIRST_NORMAL].sum()),
        "nan_scales": int(nan),
        "signed_scales": int(signed[1:_NAN].sum()),
        "scales_at_448": int(rows[_NAN - 1]),
        "zero_blocks": int(tally.blocks[:, 0].sum()),
        "zero_scales_over_codes": int(tally.blocks[0, 1:].sum() + tally.blocks[_SIGN, 1:].sum()),
        "negative_zeros": int(tally.codes[MAGNITUDES]),
        "codes": int(tally.codes.sum()),
    }


def zero_block_bytes(tally: Tally) -> dict[str, int]:
    """Count the scale bytes of blocks that hold zeros only: implementations choose 00, 08, 20 or 38."""
    rows = tally.blocks[:, 0]
    return {f"{byte:02X}": int(rows[byte]) for byte in np.flatnonzero(rows)}
