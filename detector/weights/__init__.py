"""Trained parameters: files, what they say of themselves, and which ones come with the project."""
