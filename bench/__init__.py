"""Side-by-side runs of this loader against others, on one server, the same files, in turn."""
