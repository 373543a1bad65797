"""What do the reader's own recipes make of the reader's own data? The report's figures, with intervals."""
