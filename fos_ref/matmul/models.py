"""Products of public programs as data: what they add and how, alpha, the last rounding, the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from fos_ref.matmul.accumulate import Accumulator, Terms
from fos_ref.matmul.certify import ALIGNED

_INSTRUCTION = 64  #: values of K that a block-scaled FP4 instruction takes
_F16_INSTRUCTION, _HALF_INSTRUCTION = 16, 8
_HOPPER_BITS, _AMPERE_BITS = 25, 24


class Factors(Enum):
    """What stands in the place of the operands."""

    CODES = "codes"  #: codes and block scales; the tensor scales come last, as alpha
    VALUES = "values"  #: dequantized values in float32; there is no alpha
    VALUES_IN_OUT = "values in out"  #: the same, rounded to the dtype of the output
    EIGHT_BITS = "eight bits"  #: a: values in blocks of 32 8-bit integers; b: codes and block scales


class Last(Enum):
    """How the accumulator becomes the output."""

    ALPHA_THEN_CAST = "RN_out(RN(alpha*acc))"  #: two roundings, one for float32
    CAST_THEN_ALPHA = "RN_out(RN_out(acc)*RN_out(alpha))"  #: three roundings
    CAST = "RN_out(acc)"  #: there is no alpha
    ONCE = "RN_out(exact)"  #: the exact product, rounded once


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One program's product."""

    name: str
    says: str  #: in words
    accumulator: Accumulator | None  #: None: the exact sum
    factors: Factors = Factors.CODES
    alpha: str | None = None  #: one of ALPHAS
    last: Last = Last.ALPHA_THEN_CAST
    source: str
    evidence: str  #: ran | ran where certified | read | own | public model


_SEQUENTIAL = Accumulator(terms=Terms.ELEMENTS)
_TENSOR_CORE = Accumulator(terms=Terms.GROUPS, align=ALIGNED, step=_INSTRUCTION)
_MMA_SIM = "microsoft/MMA-Sim@c785138:mmasim/simulator/arithmetic.py"
_CERTIFIED = "ran where certified"  #: the order is not stated; certified outputs were compared
_PUBLIC = "public model, not measured here"

_ALL = (
    Model(
        name="exact",
        says="the exact sum times the exact ratio of the tensor scales, rounded once",
        accumulator=None,
        last=Last.ONCE,
        source="docs/products.md",
        evidence="own",
    ),
    Model(
        name="te",
        says="16-blocks in order, each exact, float32 additions; alpha = RN(RN(A*B)/(Ca*Cb))",
        accumulator=Accumulator(terms=Terms.GROUPS),
        alpha="amax-product",
        source="NVIDIA/TransformerEngine@d0067d0:transformer_engine/pytorch/custom_recipes/"
        "reference_nvfp4.py::NVFP4QuantizerRef.qgemm",
        evidence="ran",
    ),
    Model(
        name="cutlass",
        says="single products in order, float32 additions; alpha is given, here the exact one rounded",
        accumulator=_SEQUENTIAL,
        alpha="exact",
        source="NVIDIA/cutlass@7107b05:tools/util/include/cutlass/util/reference/host/gett.hpp::gett_mainloop",
        evidence="read",
    ),
    Model(
        name="blackwell-fp4",
        says="16-groups exact, cut to 35 bits, one rounding toward zero a step of 64; alpha as for cutlass",
        accumulator=_TENSOR_CORE,
        alpha="exact",
        source=f"{_MMA_SIM}::nv_fused_dot_add_with_block_scale",
        evidence=_PUBLIC,
    ),
    Model(
        name="flashinfer",
        says="blackwell-fp4 with alpha = RN(1/RN(Sa*Sb))",
        accumulator=_TENSOR_CORE,
        alpha="encode-product",
        source="flashinfer-ai/flashinfer@fb28d72:tests/gemm/test_mm_fp4.py",
        evidence=_PUBLIC,
    ),
    Model(
        name="torchao",
        says="blackwell-fp4 in the output's dtype, then times alpha in that dtype",
        accumulator=_TENSOR_CORE,
        alpha="decode-product",
        last=Last.CAST_THEN_ALPHA,
        source="pytorch/ao@36027d8:torchao/prototype/mx_formats/nvfp4_tensor.py::_addmm_nvfp4_dispatch",
        evidence=_PUBLIC,
    ),
    Model(
        name="fouroversix-torch",
        says="dequantized float32 values, single products in order; the order of a BLAS is another",
        accumulator=_SEQUENTIAL,
        factors=Factors.VALUES,
        last=Last.CAST,
        source="mit-han-lab/fouroversix@dadfad6:src/fouroversix/matmul/pytorch.py",
        evidence=_CERTIFIED,
    ),
    Model(
        name="jax",
        says="lax.scaled_dot on a CPU: single products in order, float32 additions; XLA's order is another",
        accumulator=_SEQUENTIAL,
        alpha="exact",
        source="jax-ml/jax, release 0.10.2:jax/_src/lax/scaled_dot.py::scaled_dot",
        evidence=_CERTIFIED,
    ),
    Model(
        name="vllm-emulation",
        says="dequantized values rounded to the output's dtype, single products in order in float32",
        accumulator=_SEQUENTIAL,
        factors=Factors.VALUES_IN_OUT,
        last=Last.CAST,
        source="vllm-project/vllm@055e47c:nvfp4_emulation_utils.py::run_nvfp4_emulations",
        evidence="read",
    ),
    Model(
        name="hopper-f16",
        says="codes times block scales in float16, products cut to 25 bits, cut to float32 every 16",
        accumulator=Accumulator(terms=Terms.ELEMENTS, align=_HOPPER_BITS, step=_F16_INSTRUCTION, lowest=-14),
        alpha="exact",
        source=f"{_MMA_SIM}::nv_fused_dot_add",
        evidence=_PUBLIC,
    ),
    Model(
        name="ampere-f16",
        says="the same with 24 bits and a step of 8",
        accumulator=Accumulator(terms=Terms.ELEMENTS, align=_AMPERE_BITS, step=_HALF_INSTRUCTION, lowest=-14),
        alpha="exact",
        source=f"{_MMA_SIM}::nv_fused_dot_add",
        evidence=_PUBLIC,
    ),
    Model(
        name="ggml",
        says="a in 8-bit blocks of 32; whole sums of 16 times RN(da*db), float32 additions; RN(D*sum)",
        accumulator=None,
        factors=Factors.EIGHT_BITS,
        source="ggml-org/llama.cpp@aec5bf1:ggml/src/ggml-cpu/quants.c::ggml_vec_dot_nvfp4_q8_0_generic",
        evidence="read",
    ),
)
MODELS: Mapping[str, Model] = MappingProxyType({m.name: m for m in _ALL})
