use serde::{Deserialize, Serialize};

use super::BatchEndpoint;
use crate::converse::JsonText;

/// A batch as returned to clients and as stored. Times are Unix seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch {
    /// `batch_…`
    pub id: String,
    /// `batch`
    pub object: String,
    /// The path that serves the individual requests.
    pub endpoint: BatchEndpoint,
    /// The model name in the requests; `None` if they differ.
    pub model: Option<String>,
    /// Errors of the input file or of the whole batch.
    pub errors: Option<BatchErrors>,
    /// The input file with the requests.
    pub input_file_id: String,
    /// The time limit of the batch.
    pub completion_window: String,
    /// The status.
    pub status: BatchStatus,
    /// The output file with the responses.
    pub output_file_id: Option<String>,
    /// The error file with the failed requests.
    pub error_file_id: Option<String>,
    /// When the batch was created.
    pub created_at: i64,
    /// When processing started.
    pub in_progress_at: Option<i64>,
    /// When the batch expires.
    pub expires_at: Option<i64>,
    /// When writing of the output files started.
    pub finalizing_at: Option<i64>,
    /// When the batch completed.
    pub completed_at: Option<i64>,
    /// When the batch failed.
    pub failed_at: Option<i64>,
    /// When the batch expired.
    pub expired_at: Option<i64>,
    /// When cancellation was requested.
    pub cancelling_at: Option<i64>,
    /// When the batch was cancelled.
    pub cancelled_at: Option<i64>,
    /// The number of requests by state.
    pub request_counts: RequestCounts,
    /// Token usage; `None` until it is known.
    #[serde(default)]
    pub usage: Option<BatchUsage>,
    /// The client's metadata.
    pub metadata: Option<JsonText>,
}

/// The status of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// The input file is being validated, or the jobs are queued.
    Validating,
    /// The batch failed.
    Failed,
    /// The requests are being processed.
    InProgress,
    /// The output files are being written.
    Finalizing,
    /// The batch is complete.
    Completed,
    /// The batch expired.
    Expired,
    /// Cancellation was requested.
    Cancelling,
    /// The batch was cancelled.
    Cancelled,
}

/// The number of requests by state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// All requests.
    pub total: u64,
    /// Successful requests.
    pub completed: u64,
    /// Failed requests.
    pub failed: u64,
}

/// The errors of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchErrors {
    object: String,
    /// The errors, in the order of the lines.
    pub data: Vec<BatchError>,
}

/// An error of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchError {
    /// A code for programs.
    pub code: String,
    /// The line of the input file, from 1, if the error is about one.
    pub line: Option<u64>,
    /// A message for people.
    pub message: String,
    /// The invalid field.
    pub param: Option<String>,
}

/// Token usage of a batch, in the format of the Responses API, as at OpenAI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchUsage {
    /// Prompt tokens, including cached ones.
    pub input_tokens: u64,
    /// Details of the prompt tokens.
    pub input_tokens_details: InputDetails,
    /// Completion tokens.
    pub output_tokens: u64,
    /// Details of the completion tokens.
    pub output_tokens_details: OutputDetails,
    /// Prompt and completion tokens.
    pub total_tokens: u64,
}

/// Details of the prompt tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    /// Tokens read from the cache.
    pub cached_tokens: u64,
}

/// Details of the completion tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDetails {
    /// Reasoning tokens.
    pub reasoning_tokens: u64,
}

impl BatchErrors {
    /// The list of these errors.
    pub fn new(data: Vec<BatchError>) -> Self {
        Self {
            object: "list".to_owned(),
            data,
        }
    }
}

impl BatchUsage {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            input_tokens_details: InputDetails {
                cached_tokens: self
                    .input_tokens_details
                    .cached_tokens
                    .saturating_add(other.input_tokens_details.cached_tokens),
            },
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            output_tokens_details: OutputDetails {
                reasoning_tokens: self
                    .output_tokens_details
                    .reasoning_tokens
                    .saturating_add(other.output_tokens_details.reasoning_tokens),
            },
            total_tokens: self.total_tokens.saturating_add(other.total_tokens),
        }
    }
}
