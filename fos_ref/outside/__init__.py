"""What may come in? One reader for each form of file that is not ours, and bounds for all."""
