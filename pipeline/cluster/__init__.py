"""The cluster: connections, sessions, errors, keyspaces, tables, markers."""
