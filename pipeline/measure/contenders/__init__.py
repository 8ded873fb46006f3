"""The contenders, one file each: `python -m pipeline.measure.contenders.<name>` is its process."""
