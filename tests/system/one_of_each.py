"""A small world that needs no server: a sync of each engine, for tests of what speaks to the daemon."""

from pathlib import Path
from typing import Any

import duckdb


def one_of_each(folder: Path) -> dict[str, Any]:
    """Settings with the syncs `products`, `ai` and `warehouse`, none of which runs unasked; what they read is made in the folder."""
    shop, home = folder / "shop.duckdb", folder / "home"
    with duckdb.connect(str(shop)) as db:
        db.execute("CREATE TABLE products AS SELECT range AS id, 'product ' || range AS name, range * 1.5 AS price FROM range(50)")
    (home / ".codex").mkdir(parents=True)
    (home / ".claude.json").write_text('{"mcpServers": {"one": {"type": "stdio", "command": "true", "args": [], "env": {}}}}')
    (home / ".codex" / "config.toml").write_text("")
    return {
        "connections": {
            "shop": {"kind": "duckdb", "path": shop},
            "index": {"kind": "fts5", "path": folder / "index.db"},
            "shelf": {"kind": "folder", "path": folder / "shelf"},
        },
        "syncs": {
            "ai": {
                "engine": "clients",
                "manual": True,
                "sides": {name: {"client": name, "home": home} for name in ("claude", "codex")},
            },
            "products": {
                "engine": "search",
                "manual": True,
                "source": {"connection": "shop", "table": "products", "key": ["id"]},
                "target": {"connection": "index", "index": "products"},
                "mapping": {"id": "id", "title": "name"},
            },
            "warehouse": {
                "engine": "metadata",
                "manual": True,
                "source": {"connection": "shop", "schemas": ["main"]},
                "target": {"connection": "shelf", "object": "cache.json"},
            },
        },
    }
