"""What comes after quantization: products of quantized tensors, exact and as programs compute them.

exact        the exact product, without tensor scales
rounded      the exact product with tensor scales, rounded once
certificate  where every order and every rounding gives the exact float32
bound        how far an accumulation can be from the exact sum
run, raw     the bits of a program's product; its accumulator. MODELS has the programs
which_accumulator  what adds, from a unit's outputs of the vectors of docs/products.md
mac          the published multiply-accumulate units of IF4 and NVFP4, bits and cycles
folded       units that add a block exactly and round it once; segments: random input for all of them
"""

from fos_ref.matmul.bounds import bound
from fos_ref.matmul.certify import certificate
from fos_ref.matmul.models import Model, MODELS
from fos_ref.matmul.product import exact, rounded
from fos_ref.matmul.run import raw, run
from fos_ref.matmul.telling import which_accumulator
from fos_ref.matmul.units import Beats, folded, mac, Results, segments

__all__ = [
    "MODELS",
    "Beats",
    "Model",
    "Results",
    "bound",
    "certificate",
    "exact",
    "folded",
    "mac",
    "raw",
    "rounded",
    "run",
    "segments",
    "which_accumulator",
]
