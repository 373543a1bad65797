"""The golden vectors: see fos_ref/vectors/."""
