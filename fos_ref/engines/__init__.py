"""Who computes it? The door for arrays, the engines, and the public calls."""
