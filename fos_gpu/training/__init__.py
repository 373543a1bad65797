"""Training on the device, with the bits of fos_ref: random words, stochastic rounding, rotations, MS-EDEN.

words     the random words of a tensor by the map of a program
quantize  a recipe with stochastic elements, its words given or drawn in the kernel
rotate    the randomized Hadamard transform of 16 values
eden      MS-EDEN as Quartet II's kernels have it, or its simulator, on rotated values
"""

from fos_gpu.training.eden import DeviceEden, eden
from fos_gpu.training.rotation import rotate
from fos_gpu.training.stochastic import quantize
from fos_gpu.training.words import words

__all__ = ["DeviceEden", "eden", "quantize", "rotate", "words"]
