"""The reading side of the experiment: measurements.csv, plots, and one page that stands by itself."""
