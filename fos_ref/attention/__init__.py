"""Causal attention: which outputs depend on tokens that come later, and why.

leaks        the detector, for any function of q, k and v
attention    causal attention in float32 with a preparation of its operands
SCHEMES      published preparations and their mends, by name
"""

from fos_ref.attention.causal import attention
from fos_ref.attention.leaks import LeakReport, leaks
from fos_ref.attention.schemes import SCHEMES

__all__ = ["SCHEMES", "LeakReport", "attention", "leaks"]
