"""Find out whether bytes are right, and if not, why. Import the calls and modules for testing from here.

check                   one output of a kernel against a recipe: equal, or which mistake explains it
assert_quantized_equal  the same as an assertion
assert_bits_equal       two arrays of bytes, or two quantized tensors
assert_causal           no output of a causal function depends on a later token, or which one does
check_stochastic        codes that random bits decide: bit by bit with the words, by statistics without
check_matmul            a product of two quantized tensors: exact, inside a bound, or what is wrong
conformance             a whole kernel on the inputs that are known to break quantizers

Modules: `distributions` (seeded tensors), `strategies` (Hypothesis), `disagreement` (where two recipes
differ), `hardware` (blocks that a chip decides), `near_tie`, `mutants`, `inspect` (checkpoints) and
`vectors.chain`.
"""

from fos_ref.attention.asserts import assert_causal
from fos_ref.check.api import check
from fos_ref.check.asserts import assert_bits_equal, assert_quantized_equal
from fos_ref.check.diagnosis import Diagnosis
from fos_ref.check.stochastic.api import check_stochastic
from fos_ref.check.stochastic.diagnosis import StochasticDiagnosis
from fos_ref.conformance.api import conformance, conformance_groups
from fos_ref.matmul.judge import check_matmul, MatmulDiagnosis

__all__ = [
    "Diagnosis",
    "MatmulDiagnosis",
    "StochasticDiagnosis",
    "assert_bits_equal",
    "assert_causal",
    "assert_quantized_equal",
    "check",
    "check_matmul",
    "check_stochastic",
    "conformance",
    "conformance_groups",
]
