"""The page of `fos model train`: every run's value, paired gaps with intervals, what cannot be claimed."""
