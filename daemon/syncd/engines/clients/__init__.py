"""Keeps the configurations of AI coding clients equal: read, merge, check, deploy. No client is named outside `adapters`."""
