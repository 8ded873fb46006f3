"""What a load needs, looked at before it runs: nothing is written, and each look is one line."""
