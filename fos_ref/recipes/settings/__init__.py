"""What the presets' programs let a user set, in their own names: environment variables and arguments."""
