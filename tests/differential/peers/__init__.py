"""The peers: one adapter each. An adapter runs the other project's own program; it restates no arithmetic."""
