"""Count the blocks on which two recipes differ, axis by axis: see fos_ref/dialects/disagreement.py."""

from fos_ref.dialects.disagreement import AxisShare, Disagreement, disagreement

__all__ = ["AxisShare", "Disagreement", "disagreement"]
