"""Real faults: loads whose processes, nodes, network and disk fail. `python -m faults` runs all scenarios."""
