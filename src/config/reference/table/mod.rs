//! Every section and key, in the order of the example.

mod bedrock;
mod callers;
mod chat;
mod endpoints;
mod jwt;
mod server;

use self::bedrock::{AWS, BASE_MODELS, BEDROCK_API, CATALOG, RETRY, TIMEOUTS};
use self::callers::{ALLOWANCE, KEY_ENTRY, KEYS, TEAM_ENTRY};
use self::chat::{CHAT, CHAT_OVERRIDES, GUARDRAIL_ENTRY, MODEL_ENTRY, MODELS};
use self::endpoints::{
    BATCHES, EMBEDDINGS, FETCH, MODERATIONS, RESPONSES, S3, STORE, USAGE, VIDEOS,
};
use self::jwt::JWT_ENTRY;
use self::server::{ADMIN, BUDGETS, LIMITS_KEY, LIMITS_TARGET, LOG, SERVER};
use super::{KeyReference, SectionReference};

pub(super) const SOURCES: &str = "\
    Flags take precedence over environment variables, and those over the file: the one that \
    `--config` or OUTCROP_CONFIG names, else `outcrop.toml` in the working directory. Durations are \
    written \"200ms\", \"30s\", \"5m\" or \"1h\"; sizes \"512KiB\", \"32MiB\" or \"1GiB\", or as a \
    number of bytes.";

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
        overrides: &[],
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
        overrides: &[],
    }
}

pub(super) const SECTIONS: &[SectionReference] = &[
    section("server", "The HTTP server.", SERVER),
    section(
        "admin",
        "A listener of its own for operators: /metrics, /healthz and the admin API.",
        ADMIN,
    ),
    section(
        "keys",
        "Callers and their API keys. Without keys or identity providers, the gateway serves loopback addresses \
         only.",
        KEYS,
    ),
    named(
        "keys.NAME",
        "keys.team-c",
        "A section in place of the key overrides `[models.NAME]` and `[chat]` for the caller's chat \
         requests. The lower `max_tokens_ceiling` applies; `cache = false` and `strict = true` apply \
         from any section.",
        KEY_ENTRY,
    )
    .overriding(CHAT_OVERRIDES),
    named(
        "jwt.NAME",
        "jwt.okta",
        "An identity provider whose JWTs are accepted in place of API keys. The ids of its callers \
         are NAME:USER. A claim within objects is written with dots, such as \
         \"realm_access.roles\". docs/callers.md has examples for Okta, Entra ID, Keycloak and \
         Cognito.",
        JWT_ENTRY,
    ),
    section(
        "organization",
        "What all callers together may use. Limits of an organization, a team, a user and a key all \
         apply.",
        ALLOWANCE,
    ),
    named(
        "teams.NAME",
        "teams.research",
        "What the callers of a team may use together.",
        TEAM_ENTRY,
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
    )
    .overriding(CHAT_OVERRIDES),
    section("chat", "Chat requests.", CHAT),
    section("responses", "/v1/responses.", RESPONSES),
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
        "The database of teams, keys, files, batches and usage, which outlives the process.",
        STORE,
    ),
    section(
        "usage",
        "Records of what each request used and cost, and their sums by hour and day, in the \
         database. `outcrop usage` and /v1/usage show them.",
        USAGE,
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
    section(
        "budgets",
        "The budgets of `[organization]`, `[teams.NAME]` and `[keys.NAME]`.",
        BUDGETS,
    ),
    section("log", "The log on standard output.", LOG),
];
