"""`fos model`: what a recipe does to a language model."""
