-- Times are microseconds since 1970 in UTC. Marks are stored escaped: no NUL stands in them.

CREATE TABLE syncs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checkpoint TEXT,
    complete_to TEXT NOT NULL DEFAULT '',
    clean INTEGER NOT NULL DEFAULT 1,
    hold TEXT,       -- JSON: kind, code, message, hint
    last INTEGER,    -- number of the last writing run that ended
    live INTEGER,    -- generation of the remembered rows of either scope
    shadow INTEGER
);

CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    sync INTEGER NOT NULL REFERENCES syncs (id),
    mode TEXT NOT NULL,
    trigger TEXT NOT NULL,
    state TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    parameters TEXT NOT NULL,
    writes INTEGER NOT NULL,
    request_id TEXT,
    actor TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    total INTEGER,
    counters TEXT NOT NULL,
    failure TEXT,
    drifted INTEGER NOT NULL,
    report TEXT NOT NULL
);
CREATE INDEX runs_of_sync ON runs (sync, queued_at, id);
CREATE INDEX runs_by_time ON runs (queued_at, id);
CREATE INDEX runs_by_state ON runs (state, queued_at, id);
CREATE UNIQUE INDEX runs_by_request ON runs (request_id) WHERE request_id IS NOT NULL;

-- Ids of the runs that remembered rows refer to; they outlive the runs' own rows.
CREATE TABLE run_names (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL
);

-- Remembered rows that are given up together belong to one generation: giving it up is one row, sweeping it can wait.
CREATE TABLE generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    abandoned INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX generations_abandoned ON generations (id) WHERE abandoned = 1;

CREATE TABLE remembered (
    generation INTEGER NOT NULL,
    mark TEXT NOT NULL,
    fingerprint INTEGER NOT NULL,
    run INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (generation, mark)
) WITHOUT ROWID;

CREATE TABLE letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sync INTEGER NOT NULL REFERENCES syncs (id),
    mark TEXT NOT NULL,
    run TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (sync, mark)
);
CREATE INDEX letters_of_sync ON letters (sync);

-- Audit entries, written with the change that they tell of and shipped to the monthly files from here.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    sync TEXT NOT NULL,
    run TEXT NOT NULL,
    actor TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
);

-- The chain's end, and how far the files are known to hold it: never more than they do, perhaps a little less.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL,
    shipped INTEGER NOT NULL
);
INSERT INTO head (one, sequence, hash, shipped) VALUES (1, 0, zeroblob(32), 0);

-- What the file of each month is to hold. Sequences of two months overlap only where the clock was set back.
CREATE TABLE months (
    month TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    entries INTEGER NOT NULL
) WITHOUT ROWID;
