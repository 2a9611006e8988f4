"""When syncs run, how often, and what happens if a run fails. Knows engines and connectors by their ports only."""
