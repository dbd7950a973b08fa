"""Many servers as one: who runs which camera."""
