"""Requests on their way to the nodes: what a load and a verification share."""
