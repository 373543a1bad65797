"""A device without a device: kernels under g++, NumPy arrays in place of CuPy's."""
