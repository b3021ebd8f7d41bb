use serde::{Deserialize, Serialize};
use sqlx::query_builder::Separated;
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{FromRow, Row};

use super::cell::{Cell, Column};

/// Declares the columns of `usage_records` once: the row's type, its names, how it is written and how
/// it is read.
macro_rules! columns {
    ($($(#[$attribute:meta])* $name:ident: $type:ty,)*) => {
        /// The record of a request. What is not known is absent.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct StoredUsage {
            $($(#[$attribute])* pub $name: $type,)*
        }

        impl StoredUsage {
            /// The names of the columns, in order.
            pub const COLUMNS: &[&str] = &[$(stringify!($name)),*];

            /// The values of the columns, in order.
            pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
                [$(self.$name.cell()),*].into_iter()
            }

            pub(super) fn bind(&self, row: &mut Separated<'_, Sqlite, &str>) {
                $(row.push_bind(self.$name.clone());)*
            }
        }

        impl FromRow<'_, SqliteRow> for StoredUsage {
            fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
                // By position and without a check of the type, which a table of this file has: exports
                // read millions of rows.
                let mut positions = 0..;
                let mut next = || positions.next().unwrap_or_default();
                Ok(Self {
                    $($name: row.try_get_unchecked::<$type, usize>(next())?,)*
                })
            }
        }
    };
}

columns! {
    /// When the request arrived, in Unix milliseconds.
    at: i64,
    /// The request id. Together with `at` it identifies the record.
    id: String,
    /// The day of `at`.
    day: String,
    /// The client's own request id.
    client_request_id: Option<String>,
    /// The request ids of AWS, separated by commas.
    upstream_request_ids: Option<String>,
    /// The id of the caller.
    caller: String,
    /// Its name.
    caller_name: String,
    /// The id of the key in the store.
    key_id: Option<String>,
    /// The team.
    team: Option<String>,
    /// The user.
    user: Option<String>,
    /// How the caller has authenticated.
    identity: Option<String>,
    /// The operator's labels, as a JSON object.
    tags: Option<String>,
    /// The HTTP method; absent for the lines of batches.
    method: Option<String>,
    /// The route.
    route: String,
    /// The API of AWS.
    upstream: Option<String>,
    /// Whether the response was streamed.
    stream: bool,
    /// The model name of the request.
    model_requested: Option<String>,
    /// The model or guardrail that was called.
    model_id: Option<String>,
    /// The foundation model.
    foundation_id: Option<String>,
    /// The AWS account in the model's ARN.
    account: Option<String>,
    /// The region.
    region: Option<String>,
    /// Where Bedrock ran the call.
    routing: Option<String>,
    /// The service tier of the request.
    tier_requested: Option<String>,
    /// The service tier that Bedrock reports.
    tier_served: Option<String>,
    /// The size of the request.
    request_bytes: i64,
    /// The client's retry count.
    client_retries: i64,
    /// All input tokens, those of the cache included.
    input_tokens: Option<i64>,
    /// Of these, read from the cache.
    cache_read_tokens: Option<i64>,
    /// Of these, written to the cache for five minutes.
    cache_write_5m_tokens: Option<i64>,
    /// Of these, written to the cache for an hour.
    cache_write_1h_tokens: Option<i64>,
    /// Output tokens, reasoning included.
    output_tokens: Option<i64>,
    /// Of these, reasoning.
    reasoning_tokens: Option<i64>,
    /// What `units` counts: `images`, `seconds`, `queries` or `text_units`.
    unit: Option<String>,
    /// Usage that is not counted in tokens.
    units: Option<i64>,
    /// Whether the tokens are an estimate.
    estimated: bool,
    /// The cost of input without the cache.
    input_cost: Option<i64>,
    /// The cost of cache reads.
    cache_read_cost: Option<i64>,
    /// The cost of cache writes.
    cache_write_cost: Option<i64>,
    /// The cost of output.
    output_cost: Option<i64>,
    /// The cost of `units`.
    units_cost: Option<i64>,
    /// The cost.
    cost: Option<i64>,
    /// What the cache saved.
    cache_savings: Option<i64>,
    /// Whether all usage has a price.
    priced: bool,
    /// The HTTP status; absent if the client disconnected before.
    status: Option<i64>,
    /// How the request ended: `completed`, `abandoned` or `broken`.
    outcome: String,
    /// Why the model stopped.
    finish_reason: Option<String>,
    /// Whether a guardrail intervened in the response.
    guardrail_intervened: bool,
    /// The code of the error.
    error_code: Option<String>,
    /// The attempts of all calls.
    attempts: i64,
    /// Those of them that failed.
    failed_attempts: i64,
    /// Those of these that Bedrock throttled.
    throttled_attempts: i64,
    /// The time in queues.
    queued_ms: Option<i64>,
    /// The time to the first token.
    time_to_first_token_ms: Option<i64>,
    /// The duration.
    duration_ms: i64,
    /// The adjustments.
    adjustments: Option<String>,
    /// Removed tool calls.
    withheld_tool_calls: i64,
    /// Response events that the client's API cannot express.
    undelivered_events: i64,
}
