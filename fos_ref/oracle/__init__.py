"""The specification once more, on exact integers. It shares data with the model, and no arithmetic."""
