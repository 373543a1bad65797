"""Is this output right? A product from elsewhere against the exact one, its bounds and the models."""

from fos_ref.matmul.judge.check import check_matmul
from fos_ref.matmul.judge.diagnosis import MatmulDiagnosis

__all__ = ["MatmulDiagnosis", "check_matmul"]
