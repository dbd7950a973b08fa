"""A plain service between daemons and subscribers: one address, and nothing out of date."""
