"""Does this kernel hold on everything that is known to go wrong? Trials of a whole kernel, and a report."""
