"""What is this checkpoint? Its convention, its reading, its rule and its dialect, from its bytes."""
