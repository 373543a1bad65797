"""A second quantizer, straight down, with a switch for each mistake: the checker is tried on what it gives.

The files of this room share no code with the rest of the package; ml_dtypes does the conversions. Blocks of
16 in a row, one tensor amax or one per row, plain NVFP4 or Four Over Six. The defaults are recipe `4over6`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from fos_ref.proof.checker.plain.bytes import finished, laid_out, memory, packed
from fos_ref.proof.checker.plain.choice import error, prefers_four
from fos_ref.proof.checker.plain.codes import code_of
from fos_ref.proof.checker.plain.floats import ftz, near
from fos_ref.proof.checker.plain.scales import block_amax, byte_of, read_scale

_F = np.float32
_HUGE, _BF16 = np.finfo(np.float32).max, ml_dtypes.bfloat16
_SEARCHED = range(-4, 3)  #: steps from the block scale's byte that a search tries


@dataclass(frozen=True)
class Plain:
    """What to compute, and what to get wrong: `bug` is the name of one or more mistakes."""

    bound: int = 256
    choose: bool = True
    metric: str = "mse"
    by_row: bool = False
    guarded: bool = True  #: a block of scale zero gets zero codes
    signed: bool = True  #: an input of -0 gives code 8
    bug: frozenset[str] = frozenset()

    def __call__(self, x: Any, amax: Any = None) -> tuple[Any, Any]:
        """Return packed codes (R, C/2) and scale bytes, flat or (R, C/16), of x (R, C) float32.

        `amax` is the caller's, one or (R,), in place of the largest magnitude of x.
        """
        with np.errstate(all="ignore"):
            turns = "transposed" in self.bug and len(x) % 16 == 0
            turned = np.ascontiguousarray(x.T) if turns else memory(x, self.bug)
            codes, scales = self._blocks(turned.reshape(turned.shape[0], -1, 16).astype(_F), amax)
            codes = codes.reshape(turned.shape).astype(np.uint8)
            codes, scales = finished(codes, scales.astype(np.uint8), self.bug)
            return packed(codes, self.bug).reshape(x.shape[0], -1), laid_out(scales, self.bug)

    # --- scales ---

    def _amax(self, x: Any, given: Any) -> Any:
        by_row = self.by_row != ("other-granularity" in self.bug)
        ignored = given is None or "other-granularity" in self.bug
        sizes = np.maximum(x, 0) if "amax-signed" in self.bug else np.abs(x)
        a = sizes.max(axis=(1, 2) if by_row else None) if ignored else given
        a = np.broadcast_to(np.asarray(a, _F).reshape(-1, 1), (len(x), 1)).astype(_F)
        return a.astype(_BF16).astype(_F) if "bf16-amax" in self.bug else a

    def _blocks(self, x: Any, amax: Any) -> tuple[Any, Any]:
        bug = self.bug
        x = ftz(x) if bug & {"ftz", "ftz-input"} else x
        bound = {256: 448, 448: 256}[self.bound] if "other-bound" in bug else self.bound
        a, c = self._amax(x, amax), _F(6 * bound)
        enc = (_F(1) / a) * c if "reciprocal-amax" in bug else c / a
        enc = np.minimum(enc, _HUGE)
        of_zero = _F(1) if self.guarded else _HUGE
        enc = np.where(a == 0, np.inf if "nan-of-zero" in bug else of_zero, enc).astype(_F)
        dec = _F(1) / enc
        if bug & {"ftz", "ftz-scales"}:
            enc, dec = ftz(enc), ftz(dec)
        if "bf16-scale" in bug:
            enc = np.minimum(enc.astype(_BF16).astype(_F), _HUGE)
            a, dec = c / enc, _F(1) / enc
        if "inverted" in bug:
            enc, dec = dec, enc
        if "no-tensor-scale" in bug:
            a, enc, dec = np.full_like(a, c), np.ones_like(enc), np.ones_like(dec)
        b, t = block_amax(x, bug), (c, a, enc, dec)
        base = self._base(b, enc)
        base = base * _F(1.5) if "to-four" in bug else base
        six = self._side(x, base, t)
        if not self.choose:
            return six[0], six[1]
        expanded = byte_of(base, bug)[1] * _F(1.5) if "expand-after" in bug else base * _F(1.5)
        four = self._side(x, expanded, t)
        keep4 = prefers_four(four[2], six[2], bug)
        return np.where(keep4[..., None], four[0], six[0]), np.where(keep4, four[1], six[1])

    def _base(self, b: Any, enc: Any) -> Any:
        if "folded" in self.bug:
            return b * (enc * (_F(1) / _F(6)))
        if "product-first" in self.bug:
            return (b * enc) / _F(6)
        if "sixth" in self.bug:
            return (b * near(np.full_like(b, _F(1) / _F(6)), self.bug)) * enc
        sixth = ftz(b / _F(6)) if "ftz" in self.bug else b / _F(6)
        return ftz(sixth * enc) if "ftz" in self.bug else sixth * enc

    # --- elements ---

    def _side(self, x: Any, base: Any, t: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        byte, s = byte_of(base, self.bug)
        best = self._under(x, byte, s, base, t)
        for k in _SEARCHED if "scale-search" in self.bug else ():
            other = np.clip(byte + k, 1, 0x7E)
            value = other.astype(np.uint8).view(ml_dtypes.float8_e4m3fn).astype(_F)
            found = self._under(x, other, value, base, t)
            less = found[2] < best[2]
            best = (
                np.where(less[..., None], found[0], best[0]),
                *(np.where(less, v, w) for v, w in zip(found[1:], best[1:], strict=True)),
            )
        return best

    def _under(self, x: Any, byte: Any, s: Any, base: Any, t: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        """Return (codes, byte, error) under a block scale."""
        s, used = read_scale(byte, s, base, self.bug)
        product = used if "no-elements-scale" in self.bug else used * t[3]
        product = ftz(product) if "ftz" in self.bug else product
        if "divided" in self.bug:
            y = x / product[..., None]
        else:
            y = x * np.minimum(near(_F(1) / product, self.bug), _HUGE)[..., None]
        if self.guarded != ("zero-scale" in self.bug):
            y = np.where((used == 0)[..., None], _F(0), y)
        y = ftz(y) if "ftz" in self.bug else y
        code, q = code_of(y, signed=self.signed, bug=self.bug)
        return code, byte, error(x, (q, s), t, self.metric, self.bug)
