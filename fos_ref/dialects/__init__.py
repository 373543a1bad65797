"""Where do two recipes part, and who has seen it? Disagreement, the hardware's share, evidence."""
