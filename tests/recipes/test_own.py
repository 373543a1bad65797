"""A recipe of ones own: any legal combination goes through JSON, quantizes, and comes back from its bytes."""

from __future__ import annotations

import json
import random
from enum import Enum

import numpy as np

import fos_ref
from fos_ref.errors import RecipeError
from fos_ref.recipes import PRESETS
from fos_ref.recipes.recipe import field_kind, Recipe

BOUNDS = (1, 2, 100, 256, 320, 448, 114688)
MADE = 250
X = np.random.default_rng(0).standard_normal((16, 64)).astype(np.float32)
X[0, :16], X[1, 3] = 0, -0.0
X[2] *= np.float32(1e-6)


def drawn(rng: random.Random) -> dict:
    """Return the JSON of a preset with one to three other axes, legal or not."""
    data = PRESETS[rng.choice(list(PRESETS))].to_dict() | {"name": "mine", "evidence": "own", "source": ""}
    for axis in rng.sample(list(PRESETS["nvfp4"].axes()), rng.choice((1, 1, 2, 3))):
        kind = field_kind(axis)
        data[axis] = rng.choice([m.value for m in kind] if issubclass(kind, Enum) else BOUNDS)
    return json.loads(json.dumps(data))


def test_every_legal_combination_quantizes_and_every_other_one_says_why():
    rng = random.Random(16)  # noqa: S311 -- not a secret
    legal, reasons = [], set()
    for data in (drawn(rng) for _ in range(MADE)):
        try:
            legal.append(Recipe.from_dict(data))
        except RecipeError as e:
            reasons.add(str(e).partition(": ")[2])
    assert len(legal) > MADE // 3
    assert len({r.fingerprint() for r in legal}) > 50
    assert len(reasons) > 10
    assert all(len(why) > 20 for why in reasons)
    for r in legal:
        assert Recipe.from_dict(r.to_dict()) == r
        q = fos_ref.quantize(X, r, engine="numpy")
        again = fos_ref.from_bytes(q.codes, q.block_scales, r, amax=q.tensor_amax, shape=X.shape)
        assert fos_ref.dequantize(again).tobytes() == fos_ref.dequantize(q).tobytes(), r.axes()
