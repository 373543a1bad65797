"""The chain, one digest over 10^8 blocks: see fos_ref/vectors/chain.py."""

from fos_ref.vectors.chain import Chain, CHAINS, start, Step, step_input

__all__ = ["CHAINS", "Chain", "Step", "start", "step_input"]
