"""Is it right, and if not, why? The public face over the rooms that try, compare, explain and judge.

The calls stand here, names only. Beside them are modules: `distributions`, `strategies`, `disagreement`,
`hardware`, `near_tie`, `mutants`, `inspect` and `vectors.chain`.
"""

from fos_ref.check.api import check
from fos_ref.check.asserts import assert_bits_equal, assert_quantized_equal
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.conformance.api import conformance, conformance_groups

__all__ = [
    "Diagnosis",
    "assert_bits_equal",
    "assert_quantized_equal",
    "check",
    "conformance",
    "conformance_groups",
]
