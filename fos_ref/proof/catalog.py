"""The proofs by name, in the order in which they run: adding a proof is adding one line here."""

from __future__ import annotations

from fos_ref.proof.result import Proof
from fos_ref.proof.sweeps import SWEEPS

_ALL: tuple[Proof, ...] = (*SWEEPS,)
PROOFS = {p.name: p for p in _ALL}
