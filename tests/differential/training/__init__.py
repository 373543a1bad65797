"""Training programs beside us: what of them runs on a CPU, with their own random numbers."""
