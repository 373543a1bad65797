"""A second quantizer, straight down, with a switch for each mistake: the checker is tried on what it gives.

It shares no code with the rest of the package; ml_dtypes does the conversions. Blocks of 16 in a row, one
tensor amax or one per row, plain NVFP4 or Four Over Six. The defaults are the recipe `4over6`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

_F = np.float32
_TINY, _HUGE = np.finfo(np.float32).tiny, np.finfo(np.float32).max
_BF16, _E4M3 = ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn
_STEPS = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=np.float32)
_GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
_FIRST_NORMAL, _LARGEST, _NAN = 8, 0x7E, 0x7F  #: E4M3 codes of 2^-6 and 448; 480 in a format without NaN
_SIX, _SEVEN, _MINUS_ZERO = 6, 7, 8
_FUSED = {"fma", "fma-halves", "fma-four-accumulators"}


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
            turned = np.ascontiguousarray(x.T) if "transposed" in self.bug else x
            codes, scales = self._blocks(turned.reshape(turned.shape[0], -1, 16).astype(_F), amax)
            codes = codes.reshape(turned.shape).astype(np.uint8)
            return self._packed(codes).reshape(x.shape[0], -1), self._laid_out(scales.astype(np.uint8))

    # --- scales ---

    def _amax(self, x: Any, given: Any) -> Any:
        by_row = self.by_row != ("other-granularity" in self.bug)
        ignored = given is None or "other-granularity" in self.bug
        a = np.abs(x).max(axis=(1, 2) if by_row else None) if ignored else given
        a = np.broadcast_to(np.asarray(a, _F).reshape(-1, 1), (len(x), 1)).astype(_F)
        return a.astype(_BF16).astype(_F) if "bf16-amax" in self.bug else a

    def _blocks(self, x: Any, amax: Any) -> tuple[Any, Any]:
        bug = self.bug
        x = _ftz(x) if bug & {"ftz", "ftz-input"} else x
        bound = {256: 448, 448: 256}[self.bound] if "other-bound" in bug else self.bound
        a, c = self._amax(x, amax), _F(6 * bound)
        enc = (_F(1) / a) * c if "reciprocal-amax" in bug else c / a
        enc = np.minimum(enc, _HUGE)
        of_zero = _F(1) if self.guarded else _HUGE
        enc = np.where(a == 0, np.inf if "nan-of-zero" in bug else of_zero, enc).astype(_F)
        dec = _F(1) / enc
        if bug & {"ftz", "ftz-scales"}:
            enc, dec = _ftz(enc), _ftz(dec)
        if "inverted" in bug:
            enc, dec = dec, enc
        b, t = np.abs(x).max(axis=2), (c, a, enc, dec)
        base = self._base(b, enc)
        six = self._side(x, base, t)
        if not self.choose:
            return six[0], six[1]
        expanded = self._scale(base)[1] * _F(1.5) if "expand-after" in bug else base * _F(1.5)
        four = self._side(x, expanded, t)
        keep4 = self._prefers(four[2], six[2])
        return np.where(keep4[..., None], four[0], six[0]), np.where(keep4, four[1], six[1])

    def _base(self, b: Any, enc: Any) -> Any:
        if "folded" in self.bug:
            return b * (enc * (_F(1) / _F(6)))
        if "product-first" in self.bug:
            return (b * enc) / _F(6)
        if "sixth" in self.bug:
            return (b * (_F(1) / _F(6))) * enc
        sixth = _ftz(b / _F(6)) if "ftz" in self.bug else b / _F(6)
        return _ftz(sixth * enc) if "ftz" in self.bug else sixth * enc

    def _scale(self, base: Any) -> tuple[Any, Any]:
        """Return (byte, value) of the block scale."""
        bug = self.bug
        base = np.maximum(base, _F(2.0**-6)) if "scale-clamped" in bug else base
        limited = base if bug & {"scale-nan", "scale-480"} else np.minimum(base, _F(448))
        byte = limited.astype(_E4M3).view(np.uint8).astype(np.int32)
        byte = np.where(np.isnan(limited), _NAN, byte)
        value = limited.astype(_E4M3).astype(_F)
        if "scale-up" in bug:
            byte = np.where((value < base) & (byte < _LARGEST), byte + 1, byte)
        if "scale-down" in bug:
            byte = np.where((value > base) & (byte > 0), byte - 1, byte)
        if "scale-flushed" in bug:
            byte = np.where(byte < _FIRST_NORMAL, 0, byte)
        value = byte.astype(np.uint8).view(_E4M3).astype(_F)
        return byte, np.where(byte == _NAN, _F(480), value) if "scale-480" in bug else value

    # --- elements ---

    def _side(self, x: Any, base: Any, t: tuple[Any, ...]) -> tuple[Any, Any, Any]:
        byte, s = self._scale(base)
        product = s * t[3]
        product = _ftz(product) if "ftz" in self.bug else product
        if "divided" in self.bug:
            y = x / product[..., None]
        else:
            y = x * np.minimum(_F(1) / product, _HUGE)[..., None]
        if self.guarded != ("zero-scale" in self.bug):
            y = np.where((s == 0)[..., None], _F(0), y)
        y = _ftz(y) if "ftz" in self.bug else y
        code, q = self._cast(y)
        return code, byte, self._error(x, q, s, t)

    def _cast(self, y: Any) -> tuple[Any, Any]:
        bug = self.bug
        if "via-bf16" in bug:
            y = y.astype(_BF16).astype(_F)
        if "via-fp16" in bug:
            y = y.astype(np.float16).astype(_F)
        m = np.abs(y)
        if "ties-away" in bug:
            index = np.searchsorted(_STEPS, m, side="right")
        elif "ties-to-zero" in bug:
            index = np.searchsorted(_STEPS, m, side="left")
        else:
            low, high = (np.searchsorted(_STEPS, m, side=side) for side in ("left", "right"))
            index = np.where(low == high, low, (low + 1) // 2 * 2)  # an odd and an even code: the even one
        q = _GRID[index]
        if "unsaturated" in bug:
            beyond = np.rint(m / _F(2)) * _F(2)
            q = np.where(m > _SEVEN, beyond, q).astype(_F)
            index = np.where(q > _SIX, np.minimum(beyond / 2 + 4, 2.0**31 - 1).astype(np.int64), index)
        negative = np.signbit(y) if self.signed != ("zero-sign" in bug) else y < 0
        code = (index | np.where(negative, 8, 0)) & 15
        if "no-negative-zero" in bug:
            code = np.where((code == _MINUS_ZERO) & (index == 0), 0, code)
        return code, np.copysign(q, y)

    # --- the choice ---

    def _error(self, x: Any, q: Any, s: Any, t: tuple[Any, ...]) -> Any:
        c, s = t[0], s[..., None]
        a, enc, dec = (v[..., None] for v in t[1:])
        bug = self.bug
        if "scaled-domain" in bug:
            d = q * s - x * enc
        elif "decode-domain" in bug:
            d = (q * s) * dec - x
        elif "reciprocal-error" in bug:
            d = ((q * s) * a) * (_F(1) / c) - x
        else:
            d = ((q * s) * a) / c - x
        d = _ftz(d) if bug & {"ftz", "ftz-error"} else d
        if bug & _FUSED and self._metric() == "mse":
            return self._fused_sum(d)
        terms = np.abs(d) if self._metric() in ("mae", "absmax") else d * d
        terms = _ftz(terms) if bug & {"ftz", "ftz-error"} else terms
        return self._sum(terms) if self._metric() != "absmax" else terms.max(axis=2)

    def _metric(self) -> str:
        wrong = [m for m in ("mse", "mae", "absmax") if f"metric-{m}" in self.bug]
        return wrong[0] if wrong else self.metric

    def _fused_sum(self, d: Any) -> Any:
        if "fma-halves" in self.bug:
            return _fused(d[..., :8]) + _fused(d[..., 8:])
        if "fma-four-accumulators" in self.bug:
            return _loop(np.stack([_fused(d[..., k::4]) for k in range(4)], axis=-1))
        return _fused(d)

    def _sum(self, t: Any) -> Any:
        bug = self.bug
        if "order-numpy" in bug:
            return np.ascontiguousarray(t).sum(axis=2, dtype=_F)
        if "order-reversed" in bug:
            t = t[..., ::-1]
        if "order-threads" in bug:
            halves = [_loop(t[..., :8]), _loop(t[..., 8:])]
            return halves[0] + halves[1]
        if "order-shuffle" in bug:
            for lane in (8, 4, 2, 1):
                t = t[..., :lane] + t[..., lane : 2 * lane]
            return t[..., 0]
        if "order-four-accumulators" in bug:
            return _loop(np.stack([_loop(t[..., k::4]) for k in range(4)], axis=-1))
        return _loop(t)

    def _prefers(self, four: Any, six: Any) -> Any:
        if "always-six" in self.bug:
            return np.zeros(six.shape, dtype=bool)
        if "always-four" in self.bug:
            return np.ones(six.shape, dtype=bool)
        return four <= six if "four-wins-ties" in self.bug else four < six

    # --- layout ---

    def _packed(self, codes: Any) -> Any:
        even, odd = codes[:, 0::2], codes[:, 1::2]
        return odd | even << 4 if "nibbles" in self.bug else even | odd << 4

    def _laid_out(self, scales: Any) -> Any:
        if "column-major" in self.bug:
            return scales.ravel(order="F").reshape(scales.shape)
        if "swizzled" not in self.bug:
            return scales
        rows, cols = scales.shape
        tiles = -(-cols // 4)
        out = np.zeros(-(-rows // 128) * tiles * 512, dtype=np.uint8)
        r, k = np.indices(scales.shape)
        out[((r // 128) * tiles + k // 4) * 512 + r % 32 * 16 + r % 128 // 32 * 4 + k % 4] = scales
        return out


def _ftz(v: Any) -> Any:
    return np.where(np.abs(v) < _TINY, np.copysign(_F(0), v), v).astype(_F)


def _loop(t: Any) -> Any:
    total = np.zeros(t.shape[:-1], dtype=_F)
    for i in range(t.shape[-1]):
        total += t[..., i]
    return total


def _fused(d: Any) -> Any:
    """Return the sum of squares with one rounding a step: a long double nearly always holds the exact sum."""
    total = np.zeros(d.shape[:-1], dtype=_F)
    for i in range(d.shape[-1]):
        wide = d[..., i].astype(np.longdouble)
        total = (wide * wide + total).astype(_F)
    return total
