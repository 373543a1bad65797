"""Quantizers with one deliberate mistake each: see fos_ref/mutants/catalogue.py."""

from fos_ref.mutants.catalogue import Mutant, mutant, MUTANTS

__all__ = ["MUTANTS", "Mutant", "mutant"]
