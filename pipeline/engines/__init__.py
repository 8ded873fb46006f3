"""Who carries the jobs of a load out: processes of this machine, Dask or Spark."""
