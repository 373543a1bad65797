"""Rotations: what their bits are, and which of them every order of summation gives."""

from fos_ref.rotate.hadamard import hadamard
from fos_ref.rotate.matrix import gain, scale, SIGNS_H16, signs_of
from fos_ref.rotate.orders import Order

__all__ = ["SIGNS_H16", "Order", "gain", "hadamard", "scale", "signs_of"]
