"""The rounders of programs, as they are: none of them is quite a rule of P3109."""

from fos_ref.random.programs.elements import fouroversix_torch, quartet2_simulator, te_software
from fos_ref.random.programs.scales import quartet2_scales, quartet2_simulator_scales
from fos_ref.random.programs.uniform import triton_uniform

__all__ = [
    "fouroversix_torch",
    "quartet2_scales",
    "quartet2_simulator",
    "quartet2_simulator_scales",
    "te_software",
    "triton_uniform",
]
