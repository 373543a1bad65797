"""What a card keeps when it adds FP8 products: the vectors V1 to V3 scaled to E4M3, through torch._scaled_mm.

Big is 2^8 * 2^8. A small term 2^(16-k) stands beside Big and -Big, or after Big and before -Big at some
distance along K. The output is the small term where k bits below Big are kept, else 0. Single products of
random values are compared with the published model: aligned, cut toward zero.
"""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from fos_ref.formats.arrays import AnyArray, F32, F64
from fos_ref.matmul.accumulate import exponent_of, toward_zero

E4M3 = np.dtype(ml_dtypes.float8_e4m3fn)
ROWS, LENGTH = 128, 2048  #: of the operands that are probed
BIG = 16  #: 2^8 * 2^8
MOST = 34  #: bits below Big that E4M3 reaches: 2^-9 * 2^-9
MIDDLE = 17  #: from here on the second column has the small factor
DISTANCES = (1, 16, 32, 64, 128, 256, 512, 1024)  #: along K, from Big to the small term and on to -Big
BITS = range(8, 27)  #: fraction bits that are tried for random products
STEP = 32  #: values of K that one FP8 instruction takes
_NAN = 0x7F  #: without its sign
_LOWEST = -6  #: the exponent that subnormal E4M3 values keep


class Operands(NamedTuple):
    """a (128, K) and b (128, K) in E4M3."""

    a: AnyArray
    b: AnyArray


def multiply(torch: Any, given: Operands, *, fast: bool) -> F32:
    """Return a @ b.T of the card, float32."""

    def put(m: AnyArray) -> Any:
        return torch.from_numpy(m.view(np.uint8).copy()).cuda().view(torch.float8_e4m3fn)

    one = torch.ones((), dtype=torch.float32, device="cuda")
    out = torch._scaled_mm(  # noqa: SLF001 -- the only door to FP8 products
        put(given.a), put(given.b).t(), scale_a=one, scale_b=one, out_dtype=torch.float32, use_fast_accum=fast
    )
    found: F32 = out.cpu().numpy()
    return found


def probe(distance: int, *, minus: bool = True, units: int = 1, sign: int = 1) -> Operands:
    """Return rows k = 0..34 of Big, units * 2^(16-k) and -Big, `distance` apart along K.

    Column 0 has the small term for k up to 17, column 1 from 17 on.
    """
    a, b = (np.zeros((ROWS, LENGTH if distance > 1 else STEP), np.float32) for _ in range(2))
    middle, last = (1, 2) if distance == 1 else (distance, min(2 * distance, LENGTH - 1))
    a[: MOST + 1, 0], b[:, 0] = sign * 2.0**8, 2.0**8
    if minus:
        a[: MOST + 1, last], b[:, last] = -sign * 2.0**8, 2.0**8
    b[0, middle], b[1, middle] = 2.0**8, 2.0**-9
    for k in range(MOST + 1):
        power = BIG - k - (8 if k <= MIDDLE else -9)
        a[k, middle] = sign * units * 2.0**power
    return Operands(a.astype(E4M3), b.astype(E4M3))


def read(out: F32) -> F64:
    """Return the output of each row k of a probe."""
    return np.array([out[k, 0 if k <= MIDDLE else 1] for k in range(MOST + 1)], dtype=np.float64)


def kept(values: F64) -> int:
    """Return how many bits below Big survive: the last k up to which every small term came out; -1: none."""
    whole = values == 2.0 ** (BIG - np.arange(MOST + 1))
    return int(np.argmin(whole)) - 1 if not whole.all() else MOST


def rounding(torch: Any, *, fast: bool) -> list[str]:
    """Return what Big + 3 * 2^(16-k) and its negative give, less Big, in units of 2^(16-k)."""
    found = []
    for sign in (1, -1):
        raw = read(multiply(torch, probe(1, minus=False, units=3, sign=sign), fast=fast))
        left = (raw - sign * 2.0**BIG) / 2.0 ** (BIG - np.arange(MOST + 1))
        found.append(" ".join(f"{k}:{left[k]:g}" for k in range(8, 26)))
    return found


def random_operands(seed: int, length: int) -> Operands:
    """Return random finite E4M3 values of every exponent."""
    rng = np.random.default_rng([11, seed, length])

    def one() -> AnyArray:
        codes = rng.integers(0, 256, (ROWS, length)).astype(np.uint8)
        codes[codes & _NAN == _NAN] = 0
        return codes.view(E4M3)

    return Operands(one(), one())


def modelled(given: Operands, bits: int) -> F32:
    """Return the published model's sum of one instruction (K = 32): products cut to `bits`, the sum to 24."""
    a, b = (m.astype(np.float32) for m in given)
    ea, eb = (exponent_of(m, _LOWEST) for m in (a, b))
    terms = a[:, None].astype(np.float64) * b[None]
    unit = ((ea[:, None] + eb[None]).max(axis=2, keepdims=True) - bits).astype(np.int32)
    cut = np.ldexp(np.trunc(np.ldexp(terms, -unit)), unit)
    return toward_zero(cut.sum(axis=2))


def equal_outputs(torch: Any, *, fast: bool, seeds: int = 4) -> dict[str, int]:
    """Return how many of the card's outputs are the model's, for each number of fraction bits."""
    found = dict.fromkeys(map(str, BITS), 0)
    for seed in range(seeds):
        given = random_operands(seed, STEP)
        got = multiply(torch, given, fast=fast)
        for bits in BITS:
            found[str(bits)] += int(np.count_nonzero(got == modelled(given, bits)))
    return found | {"outputs": seeds * ROWS * ROWS}


def measure() -> dict[str, Any]:
    """Return what this card keeps, with fast accumulation and without; or why torch has no such product.

    Raises: ImportError where there is no torch.
    """
    torch = importlib.import_module("torch")
    found: dict[str, Any] = {"torch": str(torch.__version__)}
    for fast in (True, False):
        try:
            found[f"use_fast_accum {fast}"] = _measured(torch, fast=fast)
        except (RuntimeError, ValueError, NotImplementedError) as e:
            found[f"use_fast_accum {fast}"] = f"not run: {str(e).partition(chr(10))[0]}"
    return found


def _measured(torch: Any, *, fast: bool) -> dict[str, Any]:
    return {
        "bits kept below Big, by distance along K": {
            str(d): kept(read(multiply(torch, probe(d), fast=fast))) for d in DISTANCES
        },
        "Big + 3 units, less Big, by k": rounding(torch, fast=fast),
        "outputs of K = 32 that the model gives, by bits": equal_outputs(torch, fast=fast),
    }
