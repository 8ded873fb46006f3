"""The experiment: times contenders at each latency, evaluates the repeats, recommends pool sizes."""
