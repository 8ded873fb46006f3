"""CQL's types, values and messages as bytes."""
