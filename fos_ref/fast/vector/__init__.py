"""Loops written as vector instructions, and what they need to know of a recipe's number formats."""
