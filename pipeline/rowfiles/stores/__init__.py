"""Where row files are: on this machine, or as objects in a store that a URI names."""
