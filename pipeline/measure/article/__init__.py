"""The article's experiment: a loop against a Pool at injected latencies."""
