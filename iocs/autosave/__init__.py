"""Settings that survive a restart: the file they stand in, and which records they are of."""
