"""What is only run to make a release: not in the wheel."""
