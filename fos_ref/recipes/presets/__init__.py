"""Named recipes: one module per project whose dialect they state."""
