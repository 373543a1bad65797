"""Recipes and inputs for the tests of the GPU path."""

from __future__ import annotations

import numpy as np

from fos_gpu.proof.beside import SUPPORTED
from fos_ref.inputs.distributions import FAMILIES, make
from fos_ref.recipes.catalog import PRESETS

DTYPES = ("float32", "bfloat16", "float16")
#: Each order of sums, each block shape, each way to end a code, both scopes of the amax.
FEW = ("4over6", "fouroversix-mse", "quartet2-4over6", "te-mae-448-row")
TILES = ("te-mse-256-16x16", "fouroversix-mse-16x16", "fouroversix-absmax-16x16")
#: Codes of a byte and a choice between formats, blocks of 32 and of 8, scales that are powers of two.
FORMATS = ("fouroversix-if6-e2m3-mse", "ocp-mxfp8-e5m2", "torchao-mxfp4-rceil", "fouroversix-if4-mae-bs8")
SEARCHES = ("auto-round-nvfp4-search", "scale-optimum")
BY_NAME = {r.name: r for r in SUPPORTED}
#: One recipe of each format of elements, each way to a block scale, each layout, and the searches.
KINDS = tuple(
    dict.fromkeys(
        r
        for kind in ("element_format", "scale_format", "block_shape", "codes_per_byte", "search")
        for r in {str(getattr(r, kind)): r for r in SUPPORTED}.values()
    )
)


def inputs(shape=(32, 128)):
    """Yield a tensor of every family and dtype in turn, and one with NaN and infinity."""
    for i, family in enumerate(FAMILIES):
        yield family, make(family, shape, i, DTYPES[i % 3])
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    x[3, 5], x[7, 100], x[20, 33] = np.nan, np.inf, -np.inf
    yield "nan-and-infinity", x


def preset(name):
    return PRESETS[name]
