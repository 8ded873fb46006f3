"""What a person sees of a run: lines, a bar, a log file, and at the end what failed."""
