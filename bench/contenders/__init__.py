"""One file a contender: each a process that loads a CSV file into a table and answers with a line of JSON."""
