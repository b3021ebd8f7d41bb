-- Responses of the Responses API, if `[responses] store` is "disk". Their ids begin with the time, so
-- that their order is the order of creation. Times are Unix seconds. `document` is the response object
-- without its output; `bytes` is the length of all items. `expires_at` is NULL for never.
CREATE TABLE responses (
    id          TEXT PRIMARY KEY NOT NULL,
    owner       TEXT NOT NULL,
    previous_id TEXT,
    status      TEXT NOT NULL,
    document    TEXT NOT NULL,
    bytes       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT
);
CREATE INDEX responses_by_end ON responses (expires_at);

-- The items of a response as JSON: those of its request, then its output.
CREATE TABLE response_items (
    response_id TEXT NOT NULL,
    position    BIGINT NOT NULL,
    owner       TEXT NOT NULL,
    id          TEXT NOT NULL,
    is_output   BOOLEAN NOT NULL,
    body        TEXT NOT NULL,
    PRIMARY KEY (response_id, position)
);
CREATE INDEX response_items_of_owner ON response_items (owner, id, response_id);
