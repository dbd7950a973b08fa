"""Weights that others publish: where they are, and how they come onto this machine."""
