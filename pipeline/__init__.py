"""The library: Cassandra, gevent and files, without Luigi. It imports nothing: a worker must patch first."""
