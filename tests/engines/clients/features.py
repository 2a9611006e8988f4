"""The features of the matrix: what may be said of a server, a rule or a permission, and who cannot say it."""

from collections.abc import Mapping

from syncd.domain.unified import Entries, Entry, Kind, Name, Reference, Template, Value

TOKEN = Template((Reference("FEATURE_TOKEN"),))
STDIO: Entry = {"transport": "stdio", "command": "npx", "args": ("-y", "feature-server")}
HTTP: Entry = {"transport": "http", "url": "https://feature.example/mcp"}


def server(base: Entry, **fields: Value) -> Entry:
    """A server; `__` in the name of a field stands for a dot."""
    return {**base, **{name.replace("__", "."): value for name, value in fields.items()}}


SERVERS: Mapping[str, Entry] = {
    "stdio": STDIO,
    "http": HTTP,
    "sse": {"transport": "sse", "url": "https://feature.example/sse"},
    "ws": {"transport": "ws", "url": "wss://feature.example/ws"},
    "literal_env": server(STDIO, env__LEVEL="debug"),
    "same_name": server(STDIO, env__FEATURE_TOKEN=TOKEN),
    "renamed": server(STDIO, env__KEY=TOKEN),
    "default": server(STDIO, env__FEATURE_TOKEN=Template((Reference("FEATURE_TOKEN", "none"),))),
    "in_args": server(STDIO, args=("--token", TOKEN)),
    "bearer": server(HTTP, headers__Authorization=Template(("Bearer ", Reference("FEATURE_TOKEN")))),
    "header": server(HTTP, headers__X_Key=TOKEN),
    "literal_header": server(HTTP, headers__X_Team="core"),
    "cwd": server(STDIO, cwd="/srv"),
    "off": server(STDIO, enabled=False),
    "allowed_tools": server(STDIO, tools__allow=("read",)),
    "denied_tools": server(STDIO, tools__deny=("write",)),
    "startup": server(STDIO, startup_timeout=20),
    "timeout": server(STDIO, tool_timeout=30),
    "description": server(STDIO, description="A feature"),
}
RULES: Mapping[str, tuple[str, Entry]] = {
    "section": ("Feature", {"text": "# Feature\n\n- tabs"}),
    "rule_file": ("file/feature", {"text": "Use tabs."}),
    "paths": ("file/typed", {"text": "Use types.", "paths": ("src/**/*.ts",)}),
    "imports": ("More", {"text": "# More\n\nSee @docs/feature.md."}),
}
SUBJECTS: Mapping[str, str] = {
    "exact": "shell exact feature status",
    "prefix": "shell prefix feature run",
    "glob": "shell glob feature * now",
    "regex": "shell regex ^feature (a|b)$",
    "read_path": "read path ./feature.env",
    "edit_path": "edit path ./feature/**",
    "domain": "fetch domain feature.example",
    "mcp_server": "mcp server feature",
    "mcp_tool": "mcp tool feature/write",
}

FEATURES: Mapping[str, Entries] = {
    **{name: {Name(Kind.MCP, f"f-{name}"): entry} for name, entry in SERVERS.items()},
    **{name: {Name(Kind.RULES, heading): entry} for name, (heading, entry) in RULES.items()},
    **{
        f"{name}_{decision}": {Name(Kind.PERMISSIONS, subject): {"decision": decision}}
        for name, subject in SUBJECTS.items()
        for decision in ("allow", "ask", "deny")
    },
}
