"""Faults for real: loads whose processes, nodes, network and disk fail. `python -m faults` runs them all."""
