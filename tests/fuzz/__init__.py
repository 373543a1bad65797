"""Seeded mutation fuzzing of every file that is read: `python -m tests.fuzz --seconds N`."""
