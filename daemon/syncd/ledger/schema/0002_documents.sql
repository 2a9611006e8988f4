-- Small named texts that syncs keep beside their checkpoint.

CREATE TABLE documents (
    sync INTEGER NOT NULL REFERENCES syncs (id),
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (sync, name)
) WITHOUT ROWID;
CREATE INDEX documents_by_name ON documents (name);
