-- Ids begin with the time, so that their order is the order of creation. Times are Unix seconds.

CREATE TABLE files (
    id         TEXT PRIMARY KEY NOT NULL,
    caller     TEXT NOT NULL,
    purpose    TEXT NOT NULL,
    filename   TEXT NOT NULL,
    bytes      BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX files_of_caller ON files (caller, id);
CREATE INDEX files_by_end ON files (expires_at);

-- `document` is the batch as JSON, written by the holder of the lease alone; what others may change
-- stands in columns of its own.
CREATE TABLE batches (
    id            TEXT PRIMARY KEY NOT NULL,
    caller        TEXT NOT NULL,
    is_open       BOOLEAN NOT NULL,
    document      TEXT NOT NULL,
    cancelling_at BIGINT,
    lease_owner   TEXT,
    lease_until   BIGINT NOT NULL
);
CREATE INDEX batches_of_caller ON batches (caller, id);
CREATE INDEX batches_open ON batches (is_open, id);

-- What each request of an open batch was answered, as a line of the output or of the error file.
CREATE TABLE batch_results (
    batch_id  TEXT NOT NULL,
    line      BIGINT NOT NULL,
    succeeded BOOLEAN NOT NULL,
    result    TEXT NOT NULL,
    PRIMARY KEY (batch_id, line)
);
