"""The experiment: contenders timed at each latency, what the repeats say, and what to do about it."""
