-- Teams and keys that the operator creates while gateways run. Allowances, chat settings and tags
-- are JSON objects; times are Unix seconds.

-- The number of changes to teams and keys, and its value at the last change to a team. Gateways
-- compare it with the one that they have read.
CREATE TABLE identity_revision (
    id             BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    revision       BIGINT NOT NULL,
    teams_revision BIGINT NOT NULL
);
INSERT INTO identity_revision (id, revision, teams_revision) VALUES (1, 0, 0);

-- `user_allowance` is that of each user without a row in `team_users`.
CREATE TABLE teams (
    name           TEXT PRIMARY KEY NOT NULL,
    allowance      TEXT NOT NULL,
    user_allowance TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);

CREATE TABLE team_users (
    team      TEXT NOT NULL REFERENCES teams (name) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    allowance TEXT NOT NULL,
    PRIMARY KEY (team, name)
);

-- `team` is no foreign key, since a team can also be in the configuration. The previous digest is
-- valid until `previous_until`, after a rotation with overlap; `revision` is that of the last
-- change to the row.
CREATE TABLE keys (
    id              TEXT PRIMARY KEY NOT NULL,
    name            TEXT NOT NULL,
    prefix          TEXT NOT NULL,
    digest          BLOB NOT NULL UNIQUE,
    team            TEXT,
    user_name       TEXT,
    allowance       TEXT NOT NULL,
    chat            TEXT NOT NULL,
    tags            TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT,
    revoked_at      BIGINT,
    previous_prefix TEXT,
    previous_digest BLOB,
    previous_until  BIGINT,
    last_used_at    BIGINT,
    revision        BIGINT NOT NULL
);
CREATE UNIQUE INDEX keys_by_name ON keys (name) WHERE revoked_at IS NULL;
CREATE INDEX keys_of_team ON keys (team, id);
CREATE INDEX keys_by_revision ON keys (revision);
