"""The ledger: a line for each run, in a table of the cluster and in files of the output folder."""
