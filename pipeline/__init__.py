"""The library: Cassandra, gevent and files, never Luigi. Imports nothing: a worker must patch first."""
