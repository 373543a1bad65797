"""What is a tensor on disk and in memory? Byte layouts, quantized tensors, checkpoints."""
