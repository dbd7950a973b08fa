"""Weights of other projects: read without trust, checked, renamed, written as ours."""
