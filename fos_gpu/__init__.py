"""The GPU path: CuPy raw kernels that will give the golden model's bits.

This version holds no kernel. It answers one question honestly, `available()`, and the engine "cuda" is not
registered until its kernels are proved against fos_ref.
"""

from fos_gpu.probe import Availability, available

__all__ = ["Availability", "available"]
