"""One program per contender: it loads a CSV file into a table and prints its measurements as JSON."""
