//! Every section and key, in the order of the example.

use super::SettingKind::{
    Boolean, Duration, Entry, Integer, Number, OneOf, Ports, Size, Text, Texts,
};
use super::{KeyReference, SectionReference, example, key};

pub(super) const SOURCES: &str = "\
    Flags take precedence over environment variables, and those over the file: the one that \
    `--config` or OUTCROP_CONFIG names, else `outcrop.toml` in the working directory. Durations are \
    written \"200ms\", \"30s\", \"5m\" or \"1h\"; sizes \"512KiB\", \"32MiB\" or \"1GiB\", or as a \
    number of bytes.";

/// The keys of `[keys.NAME]` and `[models.NAME]` that override `[chat]`.
const INHERITED: &str = "as in `[chat]`";

const INPUT_TYPES: &[&str] = &[
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

const fn section(
    name: &'static str,
    meaning: &'static str,
    keys: &'static [KeyReference],
) -> SectionReference {
    SectionReference {
        name,
        example: None,
        meaning,
        keys,
    }
}

/// A section that the example comments out, under the name `example`.
const fn named(
    name: &'static str,
    example: &'static str,
    meaning: &'static str,
    keys: &'static [KeyReference],
) -> SectionReference {
    SectionReference {
        name,
        example: Some(example),
        meaning,
        keys,
    }
}

pub(super) const SECTIONS: &[SectionReference] = &[
    section("server", "The HTTP server.", SERVER),
    section(
        "keys",
        "Callers and their API keys. Without keys, the gateway serves loopback addresses only.",
        KEYS,
    ),
    named(
        "keys.NAME",
        "keys.team-c",
        "A section in place of the key overrides `[models.NAME]` and `[chat]` for the caller's chat \
         requests. The lower `max_tokens_ceiling` applies; `cache = false` and `strict = true` apply \
         from any section.",
        KEY_ENTRY,
    ),
    section(
        "models",
        "Aliases for Bedrock model ids, inference profile ids or ARNs. Every id that Bedrock accepts \
         works without an alias.",
        MODELS,
    ),
    named(
        "models.NAME",
        "models.careful",
        "A section in place of the id overrides `[chat]` for the chat requests to this alias. The \
         lower `max_tokens_ceiling` applies; `cache = false` and `strict = true` apply from any \
         section.",
        MODEL_ENTRY,
    ),
    section("chat", "Chat requests.", CHAT),
    section("embeddings", "Requests for embeddings.", EMBEDDINGS),
    named(
        "guardrails.NAME",
        "guardrails.no-secrets",
        "Guardrails, under names for `[chat]`, `[models.NAME]`, `[keys.NAME]` and `[moderations]`.",
        GUARDRAIL_ENTRY,
    ),
    section(
        "base_models",
        "The foundation models of ARNs that do not contain one: application inference profiles, \
         provisioned throughput, custom and imported models, prompt routers. The gateway looks up \
         ARNs without an entry in Bedrock's control plane, which needs the permissions in \
         deploy/iam/README.md.",
        BASE_MODELS,
    ),
    section(
        "catalog",
        "The list of models, and data about them.",
        CATALOG,
    ),
    section("aws", "Region, profile and endpoints of AWS.", AWS),
    section("timeouts", "Timeouts of calls to Bedrock.", TIMEOUTS),
    section(
        "retry",
        "Retries of calls to Bedrock. A call is retried only before the first byte has been sent to \
         the client.",
        RETRY,
    ),
    section(
        "fetch",
        "Images and PDFs that requests reference by an https URL. Bedrock does not fetch URLs; the \
         gateway downloads them, from public addresses only.",
        FETCH,
    ),
    section(
        "bedrock_api",
        "Bedrock's own API (/model/ID/converse, /invoke and others), for boto3 and the AWS SDKs.",
        BEDROCK_API,
    ),
    section(
        "s3",
        "The S3 bucket for videos, files, batches and image URLs. It must be in the region of \
         Bedrock, and the gateway's credentials need read and write access to it.",
        S3,
    ),
    section(
        "videos",
        "/v1/videos. Models write videos to the bucket, under PREFIX/videos/, where they stay until \
         a client or a lifecycle rule of the bucket deletes them. A video takes minutes and costs as \
         much as thousands of completions.",
        VIDEOS,
    ),
    section("moderations", "/v1/moderations.", MODERATIONS),
    section(
        "store",
        "The database of files and batches, which outlives the process.",
        STORE,
    ),
    section(
        "batches",
        "/v1/files and /v1/batches. They need `[s3] bucket`. Give the bucket a lifecycle rule that \
         deletes incomplete multipart uploads: clients may disconnect during an upload.",
        BATCHES,
    ),
    section(
        "limits.target",
        "Limits for each model. Requests over the limit get 429 with `retry-after`.",
        LIMITS_TARGET,
    ),
    section(
        "limits.key",
        "Limits for each caller. Without keys, all requests have the same caller.",
        LIMITS_KEY,
    ),
    section("log", "The log on standard output.", LOG),
];

const SERVER: &[KeyReference] = &[
    key(
        "listen",
        Text,
        "\"127.0.0.1:8080\"",
        "Address and port to listen on. Without keys it must be a loopback address.",
    )
    .environment("`--listen`, `OUTCROP_LISTEN`"),
    key(
        "cors_origins",
        Texts,
        "[\"loopback\"]",
        "Origins of web pages that may call the gateway from a browser (CORS), such as \
         \"https://chat.example.com\"; \"loopback\" for pages of this machine on any port; \"*\" for \
         all, which needs keys.",
    ),
    key(
        "max_body",
        Size,
        "\"32MiB\"",
        "Maximum size of a request body.",
    ),
    key(
        "max_body_memory",
        Size,
        "\"256MiB\"",
        "Memory for the bodies of all requests while they are read, translated and sent: JSON, \
         forms, uploads, downloaded files and lines of batches. A body of `max_body` briefly takes \
         four times its size. Requests that do not fit get 503. docs/operations.md says how much \
         memory the process needs.",
    ),
    key(
        "body_timeout",
        Duration,
        "\"60s\"",
        "Timeout for a whole request body.",
    ),
    key(
        "min_upload_rate",
        Size,
        "\"1KiB\"",
        "Minimum bytes per second of a request body, averaged over `upload_window` while the gateway \
         waits for the client; 0 for no minimum. A slower upload gets 408.",
    ),
    key(
        "upload_window",
        Duration,
        "\"5s\"",
        "Time over which `min_upload_rate` is averaged.",
    ),
    key(
        "head_timeout",
        Duration,
        "\"10s\"",
        "Timeout for the request line and headers, from the first byte. They may have 64 KiB.",
    ),
    key(
        "idle_timeout",
        Duration,
        "\"15m\"",
        "Keep-alive timeout of a connection without a request. It must be longer than the load \
         balancer's (AWS: 60 s by default), so that the load balancer closes the connection first.",
    ),
    key(
        "write_timeout",
        Duration,
        "\"30s\"",
        "Timeout for a client that reads none of its response. Its connection is closed and its call \
         to Bedrock is cancelled.",
    ),
    key(
        "max_connections",
        Integer("from 0 to 1000000"),
        "0",
        "Maximum number of connections; 0 for half of the file descriptors (less 128 for other \
         uses), at most 4096. Above it, idle connections are closed, the longest idle first. If all \
         connections have a request, new ones are served health checks, and 503 otherwise. The soft \
         limit of descriptors is raised to the hard limit at startup.",
    ),
    key(
        "keepalive",
        Duration,
        "\"10s\"",
        "Interval of the comments that keep a stream without events open.",
    ),
    key(
        "drain_delay",
        Duration,
        "\"3s\"",
        "Time after SIGTERM in which new requests are served while /readyz fails, so that a load \
         balancer can notice. A second SIGTERM or Ctrl-C skips it.",
    ),
    key(
        "grace_period",
        Duration,
        "\"30s\"",
        "Time after `drain_delay` for requests in flight. Streams still open then end with an error \
         event.",
    ),
];

const KEYS: &[KeyReference] = &[example(
    "NAME",
    Entry,
    &[
        "team-a = \"env:TEAM_A_KEY\"",
        "team-b = \"sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8\"",
    ],
    "none",
    "The caller's API key: the key itself, \"env:NAME\" for an environment variable, or \"sha256:\" \
     and its digest in hexadecimal. The name of the caller appears in logs and limits. Keys of \
     the variable, separated by commas, are added.",
)
.environment("`OUTCROP_API_KEYS`")];

const KEY_ENTRY: &[KeyReference] = &[
    example(
        "key",
        Text,
        &["key = \"env:TEAM_C_KEY\""],
        "required",
        "The API key, as in `[keys]`.",
    ),
    example(
        "access_key_id",
        Text,
        &["access_key_id = \"OUTCROPTEAMC0001\""],
        "none",
        "Access key id for clients of Bedrock's own API that sign their requests (SigV4): 16 to 128 \
         letters, digits and `_`.",
    ),
    example(
        "secret_access_key",
        Text,
        &["secret_access_key = \"env:TEAM_C_SECRET\""],
        "none",
        "Secret of the access key: 32 characters or more, or \"env:NAME\". A digest does not work: \
         signatures are checked with the secret.",
    ),
    example(
        "cache",
        Boolean,
        &["cache = false"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "truncate",
        OneOf(&["refuse", "oldest"]),
        &["truncate = \"oldest\""],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "max_tokens",
        Integer("from 0 up"),
        &["max_tokens = 4096"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "max_tokens_ceiling",
        Integer("from 0 up"),
        &["max_tokens_ceiling = 8192"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "strict",
        Boolean,
        &["strict = true"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "guardrail",
        Text,
        &["guardrail = \"no-secrets\""],
        INHERITED,
        "As in `[chat]`.",
    ),
];

const MODELS: &[KeyReference] = &[example(
    "NAME",
    Entry,
    &[
        "gpt-4o = \"us.anthropic.claude-sonnet-4-5-20250929-v1:0\"",
        "gpt-4o-mini = \"us.amazon.nova-2-lite-v1:0\"",
    ],
    "none",
    "The Bedrock model id, inference profile id or ARN that requests for this name are sent to.",
)];

const MODEL_ENTRY: &[KeyReference] = &[
    example(
        "target",
        Text,
        &["target = \"us.anthropic.claude-sonnet-4-5-20250929-v1:0\""],
        "required",
        "The Bedrock model id, inference profile id or ARN.",
    ),
    example(
        "upstream",
        OneOf(&["converse", "runtime_openai", "mantle"]),
        &["upstream = \"converse\""],
        "as in the table of models",
        "The API that chat requests are sent to: Converse, or OpenAI's chat completions on \
         bedrock-runtime (\"runtime_openai\") or bedrock-mantle (\"mantle\"). Requests with features \
         that the latter two lack, such as guardrails, go to Converse.",
    ),
    example(
        "embedding_input_type",
        OneOf(INPUT_TYPES),
        &["embedding_input_type = \"search_query\""],
        "as in `[embeddings]`",
        "`[embeddings] input_type` for this alias of an embedding model.",
    ),
    example(
        "cache",
        Boolean,
        &["cache = false"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "truncate",
        OneOf(&["refuse", "oldest"]),
        &["truncate = \"oldest\""],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "max_tokens",
        Integer("from 0 up"),
        &["max_tokens = 4096"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "max_tokens_ceiling",
        Integer("from 0 up"),
        &["max_tokens_ceiling = 8192"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "strict",
        Boolean,
        &["strict = true"],
        INHERITED,
        "As in `[chat]`.",
    ),
    example(
        "guardrail",
        Text,
        &["guardrail = \"no-secrets\""],
        INHERITED,
        "As in `[chat]`.",
    ),
];

const CHAT: &[KeyReference] = &[
    key(
        "cache",
        Boolean,
        "true",
        "Whether prompts are cached automatically on models that support prompt caching. Explicit \
         `cache_control` breakpoints take precedence; `x-outcrop-cache: off` switches it off for a \
         request.",
    ),
    key(
        "truncate",
        OneOf(&["refuse", "oldest"]),
        "\"refuse\"",
        "What happens to a conversation that exceeds the model's context window: \"refuse\" returns \
         an error, \"oldest\" drops the oldest turns and sends it again. A request overrides it with \
         `x-outcrop-truncate`.",
    ),
    key(
        "max_tokens",
        Integer("from 0 up"),
        "0",
        "Output tokens for requests without a limit; 0 for the model's maximum.",
    ),
    key(
        "max_tokens_ceiling",
        Integer("from 0 up"),
        "0",
        "Upper limit of output tokens for every request; 0 for the model's maximum. Some models have \
         a limit under a name of their own: list in `model_fields` what requests may set.",
    ),
    key(
        "strict",
        Boolean,
        "false",
        "Whether a request that needs adjustments gets 400 instead, as with `x-outcrop-strict`.",
    ),
    key(
        "guardrail",
        Text,
        "\"\"",
        "Name of a `[guardrails.NAME]` that applies to every request; empty for none. Requests \
         cannot override it.",
    ),
    key(
        "max_n",
        Integer("from 1 to 128"),
        "8",
        "Maximum of `n`, the number of choices.",
    ),
    key(
        "forward_metadata",
        Boolean,
        "false",
        "Whether `metadata` is sent as `requestMetadata`, which appears in Bedrock's model \
         invocation log.",
    ),
    key(
        "reserved_tier",
        Boolean,
        "false",
        "Whether `service_tier: \"scale\"` selects reserved capacity.",
    ),
    key(
        "model_fields",
        Texts,
        "[\"*\"]",
        "Keys that requests may set in `additionalModelRequestFields`; \"*\" for all. A key listed \
         here is also read from the request's top level, where SDKs put `extra_body`.",
    ),
    key(
        "s3_buckets",
        Texts,
        "[\"*\"]",
        "Buckets that `s3://` URLs in requests may name; \"*\" for all that the gateway's role can \
         read.",
    ),
    key(
        "reasoning_cache_size",
        Size,
        "\"64MiB\"",
        "Memory for signed reasoning, which models require back with tool results. The gateway adds \
         it if the client leaves it out. 0 for none.",
    ),
    key(
        "reasoning_cache_ttl",
        Duration,
        "\"1h\"",
        "How long signed reasoning is kept.",
    ),
];

const EMBEDDINGS: &[KeyReference] = &[
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

const GUARDRAIL_ENTRY: &[KeyReference] = &[
    example(
        "identifier",
        Text,
        &["identifier = \"abcd1234efgh\""],
        "required",
        "Id or ARN of the guardrail.",
    ),
    example(
        "version",
        Text,
        &["version = \"1\""],
        "required",
        "Version of the guardrail, or \"DRAFT\".",
    ),
    example(
        "trace",
        OneOf(&["enabled", "enabled_full", "disabled"]),
        &["trace = \"disabled\""],
        "`\"disabled\"`",
        "Whether responses include the guardrail's trace.",
    ),
    example(
        "stream_mode",
        OneOf(&["sync", "async"]),
        &["stream_mode = \"sync\""],
        "`\"sync\"`",
        "Whether the chunks of a stream wait for the guardrail (\"sync\") or not (\"async\").",
    ),
    example(
        "only_last_turn",
        Boolean,
        &["only_last_turn = false"],
        "`false`",
        "Whether the guardrail checks the last user message only. On models that cache prompts \
         (Claude, Nova) it checks all user messages: marking a message only while it is the last one \
         would change the cached prompt.",
    ),
];

const BASE_MODELS: &[KeyReference] = &[example(
    "ARN",
    Entry,
    &[
        "\"arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6\" = \
       \"anthropic.claude-sonnet-4-5-20250929-v1:0\"",
    ],
    "none",
    "The id of the foundation model.",
)];

const CATALOG: &[KeyReference] = &[
    key(
        "list",
        OneOf(&["all", "configured"]),
        "\"all\"",
        "What /v1/models lists: all models of the region and the account, or the aliases of \
         `[models]` only.",
    ),
    key(
        "refresh",
        Duration,
        "\"15m\"",
        "Interval at which lists of models and base models are loaded from Bedrock; at least \"1m\". \
         A failed load is repeated after 1 s, 2 s, 4 s and so on, up to this interval.",
    ),
    key(
        "capabilities",
        Text,
        "\"\"",
        "File with rows like those of src/models/models.toml, which override the built-in rows; \
         empty for none. It is read again on SIGHUP.",
    ),
    key(
        "prices",
        Text,
        "\"\"",
        "The same for rows like those of src/models/prices.toml.",
    ),
];

const AWS: &[KeyReference] = &[
    key(
        "region",
        Text,
        "\"\"",
        "Region; empty for the environment's. The key takes precedence.",
    )
    .environment("`AWS_REGION`"),
    key(
        "profile",
        Text,
        "\"\"",
        "Profile of the AWS configuration files; empty for the environment's. The key takes precedence.",
    )
    .environment("`AWS_PROFILE`"),
    key(
        "mantle_endpoint",
        Text,
        "\"\"",
        "URL of bedrock-mantle, such as that of a VPC endpoint; empty for the environment's, or the \
         region's.",
    )
    .environment("`AWS_ENDPOINT_URL_BEDROCK_MANTLE`"),
];

const TIMEOUTS: &[KeyReference] = &[
    key(
        "connect",
        Duration,
        "\"3s\"",
        "Timeout for a connection, TLS handshake included.",
    ),
    key(
        "first_event",
        Duration,
        "\"60s\"",
        "Timeout for the first event of a stream.",
    ),
    key(
        "stream_idle",
        Duration,
        "\"120s\"",
        "Timeout for each further event of a stream. Bytes that complete no event do not count.",
    ),
    key(
        "response",
        Duration,
        "\"10m\"",
        "Timeout for a non-streaming response.",
    ),
];

const RETRY: &[KeyReference] = &[
    key(
        "max_attempts",
        Integer("from 1 to 20"),
        "4",
        "Maximum number of attempts. After a model has failed in all attempts, each call to it has \
         one attempt, until one succeeds or a minute has passed.",
    ),
    key(
        "base_delay",
        Duration,
        "\"200ms\"",
        "Maximum delay before the second attempt. It doubles with each attempt, up to `max_delay`; \
         the delay is random between zero and the maximum (full jitter).",
    ),
    key("max_delay", Duration, "\"5s\"", "Upper limit of the delay."),
    key(
        "deadline",
        Duration,
        "\"20s\"",
        "Time after the request at which no further attempt starts.",
    ),
    key(
        "budget_percent",
        Integer("from 0 to 1000"),
        "20",
        "Retries per hundred calls, in addition to five retries a second.",
    ),
];

const FETCH: &[KeyReference] = &[
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

const BEDROCK_API: &[KeyReference] = &[
    key(
        "enabled",
        Boolean,
        "true",
        "Whether Bedrock's API is served.",
    ),
    key(
        "async_invoke",
        Boolean,
        "false",
        "Whether StartAsyncInvoke and its reads are served. They need `[s3] bucket`. Jobs of a \
         caller write below PREFIX/jobs/CALLER, and a caller sees only its own jobs.",
    ),
    key(
        "allow_unlimited_invoke",
        Boolean,
        "false",
        "Whether InvokeModel is served although `max_tokens_ceiling`, or `model_fields` other than \
         \"*\", applies. The gateway cannot enforce them in the bodies of InvokeModel.",
    ),
];

const S3: &[KeyReference] = &[
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

const VIDEOS: &[KeyReference] = &[key(
    "enabled",
    Boolean,
    "false",
    "Whether /v1/videos is served. It needs `[s3] bucket`.",
)];

const MODERATIONS: &[KeyReference] = &[
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

const STORE: &[KeyReference] = &[key(
    "path",
    Text,
    "\"outcrop.db\"",
    "Path of the database file, in an existing folder. It is opened only if a feature needs it.",
)];

const BATCHES: &[KeyReference] = &[
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

const LIMITS_TARGET: &[KeyReference] = &[
    key(
        "requests_per_second",
        Number,
        "0",
        "Maximum rate of requests; 0 for no limit.",
    ),
    key(
        "burst",
        Integer("from 0 to 1000000"),
        "0",
        "Requests that may arrive at once before the rate applies; 0 for the requests of one second.",
    ),
    key(
        "max_wait",
        Duration,
        "\"10s\"",
        "How long a request over the rate or over `max_concurrent_requests` waits; \"0s\" for not at \
         all. Requests refused after that get different `retry-after` times.",
    ),
    key(
        "max_queued_requests",
        Integer("from 0 to 100000"),
        "100",
        "Maximum number of requests that wait.",
    ),
    key(
        "max_concurrent_requests",
        Integer("from 1 to 1000000"),
        "2048",
        "Maximum number of concurrent requests.",
    ),
];

const LIMITS_KEY: &[KeyReference] = &[
    key(
        "requests_per_second",
        Number,
        "0",
        "As in `[limits.target]`.",
    ),
    key(
        "burst",
        Integer("from 0 to 1000000"),
        "0",
        "As in `[limits.target]`.",
    ),
    key("max_wait", Duration, "\"10s\"", "As in `[limits.target]`."),
    key(
        "max_queued_requests",
        Integer("from 0 to 100000"),
        "100",
        "As in `[limits.target]`.",
    ),
    key(
        "max_concurrent_requests",
        Integer("from 1 to 1000000"),
        "512",
        "As in `[limits.target]`. It is lower than the model's limit, so that one caller cannot take \
         all of it.",
    ),
];

const LOG: &[KeyReference] = &[
    key(
        "format",
        OneOf(&["auto", "text", "json"]),
        "\"auto\"",
        "Format of the log; \"auto\" is text on a terminal and JSON otherwise.",
    ),
    key(
        "level",
        Text,
        "\"info\"",
        "Minimum level, or directives of the `tracing-subscriber` crate. The variable takes precedence.",
    )
    .environment("`RUST_LOG`"),
];
