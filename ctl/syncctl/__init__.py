"""The client on the command line: it knows the wire and how to show what it carries, and nothing of the daemon's inside."""
