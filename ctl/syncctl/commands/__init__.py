"""What people type, one module per family; each is imported only when one of its commands is called."""
