"""Looking at a stream or at a machine before the daemon runs: `vedette probe`, `vedette doctor`."""
