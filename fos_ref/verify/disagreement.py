"""Where two recipes disagree on a tensor: see fos_ref/dialects/disagreement.py."""

from fos_ref.dialects.disagreement import AxisShare, Disagreement, disagreement

__all__ = ["AxisShare", "Disagreement", "disagreement"]
