"""fos_gpu gives the golden model's bits on an NVIDIA GPU, for CuPy arrays and torch CUDA tensors.

Arrays are not copied, and kernels run on the caller's stream:

    q = fos_gpu.quantize(x, "4over6")        # DeviceQuantized: codes, block_scales, tensor_amax, picked4
    y = fos_gpu.dequantize(q, "bfloat16")
    e = fos_gpu.errors(x, q)                 # DeviceErrors: per block and in all
    q.to_host()                              # what fos_ref.quantize returns
    call = fos_gpu.prepare("4over6", x.shape, x.dtype, like=x)    # call(x): checked once, for small tensors
    check_matmul(out, qa, qb)                # is this their product? exact, certificate: what is known of it

`available()` says whether a kernel can run here, and if not, what is missing. docs/gpu.md is the guide.
csrc/fos_numerics.h has all arithmetic, once: NVRTC compiles it for the GPU, g++ for the host.
"""

from fos_gpu.build.probe import Availability, available
from fos_gpu.dequantize import dequantize
from fos_gpu.front import amax, quantize
from fos_gpu.layout import swizzle, unswizzle
from fos_gpu.prepared import prepare, Prepared
from fos_gpu.product_check import check_matmul
from fos_gpu.products import certificate, exact
from fos_gpu.quantized import DeviceQuantized, to_device
from fos_gpu.statistics import DeviceErrors, errors

__all__ = [
    "Availability",
    "DeviceErrors",
    "DeviceQuantized",
    "Prepared",
    "amax",
    "available",
    "certificate",
    "check_matmul",
    "dequantize",
    "errors",
    "exact",
    "prepare",
    "quantize",
    "swizzle",
    "to_device",
    "unswizzle",
]
