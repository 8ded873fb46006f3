"""Sending requests to the nodes: what a load and a verification share."""
