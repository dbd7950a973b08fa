"""One camera's place in the daemon, and what belongs to it."""
