"""The proofs by name, in the order in which they run: adding a proof is adding one line here."""

from __future__ import annotations

from fos_ref.proof.checker.proof import PROOF as CHECKER
from fos_ref.proof.corpus import PROOF as CORPUS
from fos_ref.proof.engine import PROOF as ENGINE
from fos_ref.proof.mutants import PROOF as MUTANTS
from fos_ref.proof.oracle.proof import PROOF as ORACLE
from fos_ref.proof.result import Proof
from fos_ref.proof.sweeps.catalog import SWEEPS
from fos_ref.proof.vectors import PROOF as VECTORS
from fos_ref.proof.wrong_choice import PROOF as WRONG_CHOICE

_ALL: tuple[Proof, ...] = (*SWEEPS, ENGINE, ORACLE, CORPUS, WRONG_CHOICE, MUTANTS, VECTORS, CHECKER)
PROOFS = {p.name: p for p in _ALL}
