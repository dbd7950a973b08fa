"""Teaches networks: targets, losses, schedules."""
