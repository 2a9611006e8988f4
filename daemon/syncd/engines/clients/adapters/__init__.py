"""One client each: where its files are, what they say, and what it cannot say. Adapters do not know each other."""
