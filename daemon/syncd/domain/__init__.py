"""Values and rules: frozen, checked when made, knowing nothing of storage, transport or time."""
