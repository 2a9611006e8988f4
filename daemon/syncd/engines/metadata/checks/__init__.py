"""No example is kept that nobody has checked."""
