"""The ladder over the warehouse of one run."""
