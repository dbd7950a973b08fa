"""The fleet as people and programs see it: one address for all servers."""
