"""What proves: the kernels, their header and every target beside the model."""
