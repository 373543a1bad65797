"""The detector of leaks, for any function of q, k and v, or of x: it asks the bits of the outputs only.

leaks     change one token, and see which earlier outputs move a bit
capacity  how many values an earlier output takes while one later token sweeps
prefixes  the first rows of all tokens beside those of the first tokens alone
crosstalk which requests of a batch depend on another
"""

from fos_ref.attention.detector.api import leaks
from fos_ref.attention.detector.capacity import capacity
from fos_ref.attention.detector.prefix import prefixes, PrefixReport
from fos_ref.attention.detector.report import LeakReport
from fos_ref.attention.detector.requests import crosstalk

__all__ = ["LeakReport", "PrefixReport", "capacity", "crosstalk", "leaks", "prefixes"]
