"""Mutants of mistakes that real reports describe, added after the first golden vectors were published."""
