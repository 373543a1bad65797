"""One gradient of TransformerEngine's fused kernel: from x, seed and offset to rows and rotated columns."""

from __future__ import annotations

from collections.abc import Iterator

import ml_dtypes
import numpy as np

from fos_ref.engines.front import quantize
from fos_ref.formats.arrays import AnyArray
from fos_ref.random.words import words
from fos_ref.recipes.catalog import STOCHASTIC
from fos_ref.rotate import hadamard, SIGNS_H16
from fos_ref.vectors.bits import Json
from fos_ref.vectors.bits_text import from_hex, to_hex
from fos_ref.vectors.training.text import f32_line, lines, values

STEP = "chain"
_SHAPE = (64, 128)  #: tokens, features: the least that the kernel takes
_SEED, _OFFSET = 0xFEDCBA9876543210, 0xFFFFFFFD
_MAPS = {"row": "te-fused-row", "column": "te-fused-column"}
_READINGS = ("te-train-gradient-byte-lane", "te-train-gradient-pair-reversed")


def given() -> Iterator[Json]:
    """Yield the input under both readings of the chip's feed."""
    x = values(1000, _SHAPE, 6).astype(ml_dtypes.bfloat16)
    for name in _READINGS:
        yield {
            "step": STEP,
            "id": f"training/{STEP}/{name}",
            "comment": "x, seed and offset to the bytes of rows and of rotated columns",
            "recipe": name,
            "fingerprint": STOCHASTIC[name].fingerprint(),
            "shape": list(_SHAPE),
            "x_bits": to_hex(x),
            "seed": f"{_SEED:016X}",
            "offset": f"{_OFFSET:016X}",
            "signs": f"{SIGNS_H16:04X}",
        }


def computed(v: Json, engine: str = "numpy") -> Json:
    """Return both copies, and the mistakes that change a byte of either."""
    seed, offset, signs = (int(v[k], 16) for k in ("seed", "offset", "signs"))
    right = _copies(v, v["recipe"], signs, (seed, offset, 10), engine)
    other = next(name for name in _READINGS if name != v["recipe"])
    wrong = {
        "SrBitFeed": (other, signs, (seed, offset, 10)),
        "RngRounds": (v["recipe"], signs, (seed, offset, 7)),
        "RngCounterMap": (v["recipe"], signs, (seed, offset & 0xFFFFFFFE, 10)),
        "RhtSigns": (v["recipe"], 0, (seed, offset, 10)),
        "RhtMissing": (v["recipe"], None, (seed, offset, 10)),
    }
    made = {flag: _copies(v, *how, "numpy") for flag, how in wrong.items()}
    return right | {"flags_shown": [flag for flag, copies in made.items() if copies != right]}


def _copies(v: Json, recipe: str, signs: int | None, state: tuple[int, int, int], engine: str) -> Json:
    x = from_hex(v["x_bits"], "bfloat16", (v["shape"][0], v["shape"][1]), f"{v['id']}: x_bits")
    turned = np.ascontiguousarray(x.T)
    decided = np.ones(turned.shape, bool)
    if signs is not None:
        turned, decided = hadamard(turned, signs=signs)
    assert decided.all(), "every byte of the chain has to be decided"
    return {"row": _copy(x, "row", recipe, state, engine)} | {
        "column": _copy(turned, "column", recipe, state, engine)
    }


def _copy(x: AnyArray, side: str, recipe: str, state: tuple[int, int, int], engine: str) -> Json:
    shape = (x.shape[0], x.shape[1])
    bits = words(_MAPS[side], shape, seed=state[0], offset=state[1], rounds=state[2])
    q = quantize(x, recipe, random_bits=bits, engine=engine)
    return {
        "map": _MAPS[side],
        "tensor_amax_bits": f32_line(q.tensor_amax),
        "first_words": lines(bits[:1, :8], 8)[0],
        "codes": to_hex(q.codes),
        "block_scales": to_hex(q.block_scales),
    }
