-- What is needed to generate a response in the background: one row until it has ended. `document` is
-- JSON. `lease_until` is in Unix seconds.
CREATE TABLE response_jobs (
    response_id TEXT PRIMARY KEY NOT NULL,
    document    TEXT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL
);

-- The events of the streams of such responses, several in a row. They are numbered from 0.
CREATE TABLE response_events (
    response_id  TEXT NOT NULL,
    first_number BIGINT NOT NULL,
    events       TEXT NOT NULL,
    PRIMARY KEY (response_id, first_number)
);
