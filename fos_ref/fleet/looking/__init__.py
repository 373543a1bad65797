"""Looking at what is there, shard by shard: inspections and measures, over the same workers as a run."""
