"""Linear probes: how well labels can be read from features."""
