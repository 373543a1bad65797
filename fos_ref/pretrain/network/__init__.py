"""The model that is trained, and its linear layers, in torch: imported when a run begins."""
