"""The peers' own test files as judges: their references and assertions, our presets in place of kernels."""
