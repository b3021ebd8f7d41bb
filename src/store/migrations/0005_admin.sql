-- Tokens of operators, and what operators changed. Times are Unix seconds; `scope` is `read` or `all`.
CREATE TABLE admin_tokens (
    id         TEXT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    digest     BLOB NOT NULL UNIQUE,
    scope      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- `before_change` and `after_change` are JSON without secrets; NULL if there was nothing.
CREATE TABLE audit_log (
    id            TEXT PRIMARY KEY NOT NULL,
    at            BIGINT NOT NULL,
    actor         TEXT NOT NULL,
    action        TEXT NOT NULL,
    subject       TEXT NOT NULL,
    before_change TEXT,
    after_change  TEXT
);
