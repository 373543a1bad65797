"""The GPU path: kernels in CUDA C++ that give the golden model's bits, and the same arithmetic on the host.

csrc/fos_numerics.h holds all arithmetic, once. `host` builds it by g++, `kernels` by NVRTC; `engine` is the
engine "cuda" of fos_ref. `available()` says whether a kernel can run here, and if not, why.
"""

from fos_gpu.probe import Availability, available

__all__ = ["Availability", "available"]
