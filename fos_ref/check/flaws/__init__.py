"""The mistakes that the checker tries, in the order of a tensor's walk."""
