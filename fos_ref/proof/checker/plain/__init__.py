"""A second quantizer that shares no code with the rest of the package, and its mistakes."""
