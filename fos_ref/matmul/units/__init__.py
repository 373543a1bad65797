"""The published multiply-accumulate units of IF4 and NVFP4: their arithmetic, and when a result appears."""

from fos_ref.matmul.units.beats import Beats, Results
from fos_ref.matmul.units.unit import mac

__all__ = ["Beats", "Results", "mac"]
