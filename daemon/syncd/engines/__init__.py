"""What to do: one folder for each kind of sync. Engines do not know each other, nor any connector."""
