"""Make seeded tensors by name: see fos_ref/inputs/distributions.py."""

from fos_ref.inputs.distributions import DTYPES, FAMILIES, HUNTING, make, STATISTICAL

__all__ = ["DTYPES", "FAMILIES", "HUNTING", "STATISTICAL", "make"]
