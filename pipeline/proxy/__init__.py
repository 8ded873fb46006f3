"""A proxy on loopback that delays and breaks connections."""
