"""Measurements that anyone can repeat: `vedette bench …`."""
