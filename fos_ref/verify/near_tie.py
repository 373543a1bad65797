"""Find the blocks whose two errors are nearly equal: see fos_ref/exactness/near_tie.py."""

from fos_ref.exactness.near_tie import near_ties

__all__ = ["near_ties"]
