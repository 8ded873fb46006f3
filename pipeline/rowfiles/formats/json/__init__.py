"""JSON: one array of objects, or objects one after another."""
