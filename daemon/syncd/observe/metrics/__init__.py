"""Numbers for Prometheus: what is measured, how it is counted, and where it is read. Nothing here steers anything."""
