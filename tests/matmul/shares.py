"""How many outputs are certified, and how many are exact in two references, by data and K."""

from __future__ import annotations

import numpy as np

import fos_ref
from fos_ref import matmul

#: (rng, shape) -> values, for the table of docs/products.md.
DATA = {
    "normal": lambda g, s: g.normal(size=s),
    "Laplace": lambda g, s: g.laplace(size=s),
    "Student t3": lambda g, s: g.standard_t(3, size=s),
    "channels lognormal(2)": lambda g, s: g.normal(size=s) * np.exp(2 * g.normal(size=(1, s[1]))),
    "abs(normal)": lambda g, s: np.abs(g.normal(size=s)),
    "blocks lognormal(3)": lambda g, s: (
        g.normal(size=s) * np.repeat(np.exp(3 * g.normal(size=(s[0], s[1] // 16))), 16, axis=1)
    ),
}


def row(name, k):
    """Return the shares: (element, block, te exact, cutlass exact) in percent, of 32x32 outputs."""
    rng = np.random.default_rng([7, k])
    a, b = (
        fos_ref.quantize(DATA[name](rng, (32, k)).astype(np.float32), "nvfp4", engine="numpy")
        for _ in range(2)
    )
    exact = matmul.exact(a, b).astype(np.float64)
    found = [matmul.certificate(a, b, level) for level in ("element", "block")]
    found += [matmul.raw(a, b, m).total == exact for m in ("te", "cutlass")]
    return [f"{100 * np.mean(f):.3g}" for f in found]
