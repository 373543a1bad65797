"""The specification in NumPy: readable beside docs/numerics.md, every float32 rounding explicit."""

from fos_ref.formats.environment import check_float_environment

check_float_environment()  # the constants of this room are computed now
