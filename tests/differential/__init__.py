"""Differential tests: the model beside the programs whose dialects it states."""
