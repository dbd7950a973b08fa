"""Becoming what the configuration says, or staying what it was."""
