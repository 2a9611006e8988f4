"""A prompt-ready description of a warehouse: checked, small and fresh."""
