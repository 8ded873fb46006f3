"""The library: Cassandra, gevent and files, never Luigi. Imports nothing, so that a worker can patch first."""
