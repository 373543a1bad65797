"""The version of the package, for every floor to read."""

VERSION = "0.1.0"
