"""The proofs by name, in the order in which they run: adding a proof is adding one line here."""

from __future__ import annotations

from fos_ref.proof.result import Proof

_ALL: tuple[Proof, ...] = ()
PROOFS = {p.name: p for p in _ALL}
