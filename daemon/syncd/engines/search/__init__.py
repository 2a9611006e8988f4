"""Keeps a search index in step with a table. `engine` has the effects; what it decides stands in pure files beside it."""
