"""MS-EDEN compiled: nearest elements under block scales that make up for their rounding (N6h, N6i, N7l, N7m).

refuses    why a corrected recipe has no compiled step
largest    the tensor amax, which is that of corrected scales where 16 values correct one
quantize   codes and block scales
"""

from fos_ref.fast.eden.run import largest, quantize, refuses

__all__ = ["largest", "quantize", "refuses"]
