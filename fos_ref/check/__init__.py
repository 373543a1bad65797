"""What is wrong with it? Codes and scales of somebody's kernel against a recipe, and the mistake by name."""
