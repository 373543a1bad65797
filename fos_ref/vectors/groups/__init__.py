"""What the vectors aim at: cases of the elements, the scales, the choice and whole tensors."""
