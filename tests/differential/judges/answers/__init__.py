"""How each peer's kernels are answered: stand-ins, the cases that are asked, and the calls themselves."""
