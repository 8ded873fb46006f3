"""Where the events of a load's journal are kept: in a file, or in a table of the cluster."""
