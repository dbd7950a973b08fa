"""What became of every frame, and how every camera is."""
