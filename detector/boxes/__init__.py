"""From pixels to input, and from outputs to boxes."""
