"""Pretraining on one GPU: times a step of each arm, sizes the runs to fit, makes them."""
