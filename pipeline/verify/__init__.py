"""The verification of a load: its files read again, the table read back."""
