"""Who is here: cameras that run, come and go."""
