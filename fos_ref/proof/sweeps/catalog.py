"""The proofs that enumerate: every pattern, every product, every pair of scales."""

from __future__ import annotations

from fos_ref.proof.result import Proof
from fos_ref.proof.sweeps.codes import codes
from fos_ref.proof.sweeps.e8m0 import e8m0
from fos_ref.proof.sweeps.narrowing import narrowing
from fos_ref.proof.sweeps.products import products
from fos_ref.proof.sweeps.scale_path import scale_path
from fos_ref.proof.sweeps.short import short_inputs

SWEEPS = (
    Proof(
        name="products",
        claim="Every E2M1 and INT4 code times every UE4M3 scale is exact in float32 and in float16.",
        run=products,
        minutes=0.1,
    ),
    Proof(
        name="short-inputs",
        claim=(
            "Every bfloat16 and float16 value widens exactly and has the E2M1 and E4M3 codes of exact "
            "arithmetic in both codecs, ml_dtypes and NVIDIA's headers, but for the rules named."
        ),
        run=short_inputs,
        minutes=0.1,
    ),
    Proof(
        name="codes",
        claim=(
            "All 2^32 float32 patterns have the same E2M1 and E4M3 codes in the compiled codec, the readable "
            "codec, NVIDIA's headers and ml_dtypes, but for the rules named."
        ),
        run=codes,
        minutes=1.3,
    ),
    Proof(
        name="e8m0",
        claim=(
            "All E8M0 bytes decode exactly and encode back; all 2^31 non-negative float32 patterns round up "
            "and to nearest as whole numbers say."
        ),
        run=e8m0,
        minutes=0.4,
    ),
    Proof(
        name="narrowing",
        claim="All 2^32 float32 patterns round to bfloat16 and to float16 as whole numbers say.",
        run=narrowing,
        minutes=3.5,
    ),
    Proof(
        name="scale-path",
        claim=(
            "Every pair of a block amax and a tensor amax among the non-negative finite bfloat16 values "
            "gives the encode scale, block scales and bytes of exact arithmetic, on the scale paths of "
            "4over6 and te-*."
        ),
        run=scale_path,
        minutes=0.6,
    ),
)
