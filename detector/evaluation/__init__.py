"""How good a detector is, measured on labelled pictures."""
