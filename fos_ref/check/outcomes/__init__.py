"""Answers judged by the bytes, not reproduced by a flaw: nothing written, chance, a search, the chip."""
