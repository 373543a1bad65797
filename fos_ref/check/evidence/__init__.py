"""What the bytes say by themselves, before any mistake is tried: one file for each question."""
