//! Endpoints besides chat, and the file downloads and storage that they need.

use super::super::SettingKind::{
    Boolean, Duration, Integer, Number, OneOf, Ports, Size, Text, Texts,
};
use super::super::{KeyReference, example, key};

/// Also of `embedding_input_type` in `[models.NAME]`.
pub(super) const INPUT_TYPES: &[&str] = &[
    "search_document",
    "search_query",
    "classification",
    "clustering",
    "GENERIC_INDEX",
    "GENERIC_RETRIEVAL",
    "TEXT_RETRIEVAL",
    "IMAGE_RETRIEVAL",
    "VIDEO_RETRIEVAL",
    "DOCUMENT_RETRIEVAL",
    "AUDIO_RETRIEVAL",
];

pub(super) const RESPONSES: &[KeyReference] = &[
    key(
        "on_blocked",
        OneOf(&["completed", "incomplete", "refusal"]),
        "\"completed\"",
        "What clients receive if a guardrail, a filter or the model itself stops a response. With \
         \"completed\" the text is ordinary output and `incomplete_details.reason` is \
         `content_filter`. With \"incomplete\" the status is `incomplete`, too: several SDKs raise \
         an error, and Codex calls the model five times again. With \"refusal\" a `refusal` part \
         follows the text, which typed clients raise as an error of their own.",
    ),
    key(
        "store",
        OneOf(&["off", "memory", "disk"]),
        "\"memory\"",
        "Where responses are stored with their input, for `previous_response_id`, `item_reference` \
         and GET /v1/responses/{id}: nowhere, in the memory of this process, or in the database of \
         `[store]`. Clients store by default: \"disk\" writes the prompt of each request without \
         `store: false` to disk. In memory, a conversation has to stay with one instance of the \
         gateway and ends when that restarts.",
    ),
    key(
        "memory_size",
        Size,
        "\"256MiB\"",
        "Maximum size of responses in memory. The least recently used ones make room.",
    ),
    key(
        "memory_ttl",
        Duration,
        "\"1h\"",
        "How long responses stay in memory after their last use.",
    ),
    key(
        "retention_days",
        Integer("from 0 to 36500"),
        "30",
        "How long responses are stored on disk, in days; 0 for ever.",
    ),
    key(
        "owner",
        OneOf(&["key", "team"]),
        "\"key\"",
        "Who can read a stored response and `encrypted_content`: the key that created it, or all keys \
         of its team.",
    ),
    key(
        "seal_keys",
        Texts,
        "[]",
        "Keys of `encrypted_content`, in which clients keep the model's reasoning between requests: \
         each the base64 of 32 random bytes, or \"env:NAME\". The first key seals and all of them \
         open, so that a new key goes to the front. All instances need the same keys. Without keys \
         each process makes its own, and reasoning does not survive a restart.",
    ),
    key(
        "max_background_responses",
        Integer("from 1 to 1024"),
        "8",
        "Maximum number of responses with `background: true` that are generated at the same time. \
         Others wait.",
    ),
    key(
        "background_timeout",
        Duration,
        "\"1h\"",
        "Maximum time for a response in the background, with the wait for the limits of its caller.",
    ),
];

pub(super) const EMBEDDINGS: &[KeyReference] = &[
    key(
        "input_type",
        OneOf(INPUT_TYPES),
        "\"search_document\"",
        "Purpose of the embeddings if neither the request (`input_type`) nor `[models.NAME]` has \
         one. The names in capitals are those of Amazon Nova. Models without purposes ignore it.",
    ),
    key(
        "tokenizer",
        OneOf(&["cl100k_base", "o200k_base"]),
        "\"cl100k_base\"",
        "OpenAI's tokenizer that decodes requests with token arrays, unless the request has \
         `tokenizer`.",
    ),
];

pub(super) const FETCH: &[KeyReference] = &[
    key(
        "enabled",
        Boolean,
        "true",
        "Whether URLs are downloaded. Without it, clients have to send data URLs.",
    ),
    key("max_size", Size, "\"20MiB\"", "Maximum size of a file."),
    key(
        "max_total_size",
        Size,
        "\"32MiB\"",
        "Maximum size of all files of a request together.",
    ),
    key(
        "max_count",
        Integer("from 1 to 1000"),
        "20",
        "Maximum number of URLs in a request.",
    ),
    key(
        "concurrency",
        Integer("from 1 to 64"),
        "4",
        "Concurrent downloads for a request.",
    ),
    key(
        "max_concurrent_downloads",
        Integer("from 1 to 10000"),
        "64",
        "Concurrent downloads for all requests.",
    ),
    key(
        "max_concurrent_downloads_per_caller",
        Integer("from 1 to 10000"),
        "16",
        "Concurrent downloads for all requests of a caller.",
    ),
    key(
        "connect_timeout",
        Duration,
        "\"3s\"",
        "Timeout for a connection, TLS handshake included.",
    ),
    key(
        "timeout",
        Duration,
        "\"10s\"",
        "Timeout for a file, with redirects and the wait for other downloads.",
    ),
    key(
        "max_redirects",
        Integer("from 0 to 20"),
        "3",
        "Maximum number of redirects.",
    ),
    key(
        "allow",
        Texts,
        "[]",
        "Hosts that files may come from, such as \"example.com\" or \"*.example.com\" (subdomains \
         only); empty for all. It applies to redirects too.",
    ),
    key(
        "deny",
        Texts,
        "[]",
        "Hosts that files may not come from. It takes precedence over `allow`.",
    ),
    key(
        "allow_http",
        Boolean,
        "false",
        "Whether http URLs are accepted.",
    ),
    key(
        "allowed_ports",
        Ports,
        "[]",
        "Ports in addition to 443, and 80 with `allow_http`.",
    ),
    key(
        "private_networks",
        Boolean,
        "false",
        "Whether private and loopback addresses are accepted. Dangerous: callers can read what this \
         machine and its network serve without authentication. Restrict it with `allow`. The \
         metadata services of clouds stay blocked.",
    ),
];

pub(super) const S3: &[KeyReference] = &[
    key(
        "bucket",
        Text,
        "\"\"",
        "Name of the bucket; empty for none, which disables what needs a bucket.",
    ),
    key("prefix", Text, "\"outcrop\"", "Prefix of all object keys."),
    key(
        "presigned_url_ttl",
        Duration,
        "\"1h\"",
        "Validity of presigned URLs in responses, from \"1s\" to \"168h\".",
    ),
    key(
        "path_style",
        Boolean,
        "false",
        "Whether URLs have the bucket in the path instead of the host, which S3-compatible stores \
         often need.",
    ),
];

pub(super) const VIDEOS: &[KeyReference] = &[key(
    "enabled",
    Boolean,
    "false",
    "Whether /v1/videos is served. It needs `[s3] bucket`.",
)];

pub(super) const MODERATIONS: &[KeyReference] = &[
    key(
        "guardrail",
        Text,
        "\"\"",
        "Name of a `[guardrails.NAME]` that checks text and images; empty for Bedrock's content \
         checks (InvokeGuardrailChecks), for text only.",
    ),
    key(
        "threshold",
        Number,
        "0.5",
        "Score from which Bedrock's checks flag a category, above 0 and up to 1. A guardrail has \
         filter strengths of its own.",
    ),
    key(
        "prompt_attack",
        Boolean,
        "false",
        "Whether Bedrock's checks include prompt attacks, at the price of another check.",
    ),
    key(
        "sensitive_information",
        Boolean,
        "false",
        "Whether Bedrock's checks include sensitive information, at the price of another check.",
    ),
];

pub(super) const STORE: &[KeyReference] = &[key(
    "path",
    Text,
    "\"outcrop.db\"",
    "Path of the database file, in an existing folder. It is created when something is stored.",
)];

pub(super) const USAGE: &[KeyReference] = &[
    example(
        "enabled",
        Boolean,
        &["enabled = true"],
        "as soon as the database file exists",
        "Whether records are stored. Without it, they are stored as soon as the file of `[store]` \
         exists, for example because a key has been created in it.",
    ),
    key(
        "record_retention_days",
        Integer("from 0 to 36500"),
        "90",
        "Days after which records are deleted; 0 for never. A record has about 500 bytes.",
    ),
    key(
        "hourly_retention_days",
        Integer("from 0 to 36500"),
        "90",
        "Days after which sums by hour are deleted; 0 for never.",
    ),
    key(
        "daily_retention_days",
        Integer("from 0 to 36500"),
        "0",
        "Days after which sums by day are deleted; 0 for never. A budget for all time counts only \
         what is there.",
    ),
    key(
        "spool_path",
        Text,
        "\"\"",
        "Folder for records that wait because the database is not available; empty for one next to \
         the file of `[store]`, with the same name and `.spool`.",
    ),
    key(
        "spool_size",
        Size,
        "\"1GiB\"",
        "Maximum size of these records, from \"16MiB\". If they take more, the oldest ones are \
         deleted.",
    ),
];

pub(super) const BATCHES: &[KeyReference] = &[
    key(
        "enabled",
        Boolean,
        "false",
        "Whether /v1/files and /v1/batches are served.",
    ),
    key(
        "role_arn",
        Text,
        "\"\"",
        "Role with which Bedrock's batch inference jobs read and write the bucket; the gateway needs \
         iam:PassRole for it. Without a role, every request of a batch is a call at on-demand \
         prices.",
    ),
    key(
        "minimum_records",
        Integer("from 1 to 50000"),
        "100",
        "Minimum number of requests to one model for a batch inference job; fewer are sent as single \
         calls. See the quota \"Minimum number of records per batch inference job\".",
    ),
    key(
        "max_requests",
        Integer("from 1 to 50000"),
        "50000",
        "Maximum number of requests in a batch.",
    ),
    key(
        "max_file_size",
        Size,
        "\"64MiB\"",
        "Maximum size of a file.",
    ),
    key(
        "timeout_hours",
        Integer("from 24 to 168"),
        "24",
        "Timeout of a batch inference job, in hours.",
    ),
    key(
        "poll_interval",
        Duration,
        "\"30s\"",
        "Interval at which the status of batch inference jobs is read.",
    ),
    key(
        "max_concurrent_requests",
        Integer("from 1 to 1024"),
        "8",
        "Concurrent single calls of all batches.",
    ),
];
