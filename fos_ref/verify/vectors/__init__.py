"""Golden vectors as a product: see fos_ref/vectors/."""
