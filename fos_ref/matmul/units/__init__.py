"""Multiply-accumulate units: the published ones of IF4 and NVFP4, and one that folds the ratio in."""

from fos_ref.matmul.units.beats import Beats, Results
from fos_ref.matmul.units.folded import folded
from fos_ref.matmul.units.segments import segments
from fos_ref.matmul.units.unit import mac

__all__ = ["Beats", "Results", "folded", "mac", "segments"]
