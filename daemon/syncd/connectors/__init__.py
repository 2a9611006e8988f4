"""How to talk to one outside system each: one file, one system, one `CONNECTOR`."""
