"""Documents that people write and programs edit: an edit changes the bytes of its member alone."""
