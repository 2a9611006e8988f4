"""The daemon. Only `app` may know every other package; see the layer contracts in `pyproject.toml`."""
