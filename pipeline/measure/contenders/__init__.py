"""The contenders of the experiment, one file each: `python -m pipeline.measure.contenders.<name>` is its process."""
