"""What `quantize_checkpoint` does: the plan, the two passes, and what goes where."""
