"""The fast engine: the model's steps compiled by Numba, the same bits at the speed of the processor."""

from fos_ref.fast.environment import check_environment
from fos_ref.formats.environment import check_float_environment

check_environment()
check_float_environment()  # the constants of this room are computed now
