"""What is wrong with a kernel that rounds stochastically? With its random words, and without them."""
