"""What happened to objects, kept so that a list of it survives a restart."""
