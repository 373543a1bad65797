"""What recipes do to a language model, on a GPU: `python -m benchmarks.models pack|run|report`."""
