"""What is the true answer, and how close was it? Exact errors, near ties, wrong choices."""
