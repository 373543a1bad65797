"""What can be enumerated is enumerated, the rest is compared with exact arithmetic: the long proofs."""
