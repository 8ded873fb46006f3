"""The contenders of the experiment, one file each: `python -m pipeline.contenders.<name>` is its process."""
