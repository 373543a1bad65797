"""Causal attention: which outputs depend on tokens that come later, and why.

leaks        the detector, for any function of q, k and v, or of x
capacity     how many values an earlier output takes while a later token sweeps
prefixes     all tokens beside the first ones, for functions that take another path for another length
crosstalk    which requests of a batch depend on another
attention    causal attention in float32 with a preparation of its operands
SCHEMES      twenty ways to quantize it and their mends, by name
PUBLISHED    what public programs do to q, k and v, restated and judged, by name
losses       the constructed head whose loss falls below the entropy of its source
"""

from fos_ref.attention.asserts import assert_causal
from fos_ref.attention.causal import attention
from fos_ref.attention.detector import capacity, crosstalk, LeakReport, leaks, prefixes, PrefixReport
from fos_ref.attention.head import Losses, losses
from fos_ref.attention.published import PUBLISHED
from fos_ref.attention.schemes import SCHEMES

__all__ = [
    "PUBLISHED",
    "SCHEMES",
    "LeakReport",
    "Losses",
    "PrefixReport",
    "assert_causal",
    "attention",
    "capacity",
    "crosstalk",
    "leaks",
    "losses",
    "prefixes",
]
