"""The report of the experiment: measurements.csv, plots, and one self-contained page."""
