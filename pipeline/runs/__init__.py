"""What a run did, as one value, and where it is told: files of this machine, metrics, a ledger, news."""
