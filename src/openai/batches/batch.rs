use serde::{Deserialize, Serialize};

use crate::converse::JsonText;

/// A batch as clients are told of it, and as it is kept. Times are Unix seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch {
    /// `batch_…`
    pub id: String,
    /// `batch`
    pub object: String,
    /// The path that the requests would be sent to one by one.
    pub endpoint: String,
    /// The client's name of the model, where it is one for all requests.
    pub model: Option<String>,
    /// What is wrong with the file, or with the batch as a whole.
    pub errors: Option<BatchErrors>,
    /// The file with the requests.
    pub input_file_id: String,
    /// How long it may take.
    pub completion_window: String,
    /// How far it is.
    pub status: BatchStatus,
    /// The file with the answers.
    pub output_file_id: Option<String>,
    /// The file with what could not be answered.
    pub error_file_id: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When the first request began.
    pub in_progress_at: Option<i64>,
    /// When it ends, whole or not.
    pub expires_at: Option<i64>,
    /// When the writing of its files began.
    pub finalizing_at: Option<i64>,
    /// When it was whole.
    pub completed_at: Option<i64>,
    /// When it failed.
    pub failed_at: Option<i64>,
    /// When it ran out of time.
    pub expired_at: Option<i64>,
    /// When its caller wished it to end.
    pub cancelling_at: Option<i64>,
    /// When it did.
    pub cancelled_at: Option<i64>,
    /// How many requests are where.
    pub request_counts: RequestCounts,
    /// What was used, once that is known.
    #[serde(default)]
    pub usage: Option<BatchUsage>,
    /// The client's labels.
    pub metadata: Option<JsonText>,
}

/// How far a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// Its file is read, or its jobs wait for their turn.
    Validating,
    /// It cannot be done.
    Failed,
    /// Its requests are being answered.
    InProgress,
    /// Its files are being written.
    Finalizing,
    /// It is whole.
    Completed,
    /// It ran out of time.
    Expired,
    /// It is being ended early.
    Cancelling,
    /// It was ended early.
    Cancelled,
}

/// How many requests are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestCounts {
    /// All of them.
    pub total: u64,
    /// Those that were answered.
    pub completed: u64,
    /// Those that could not be.
    pub failed: u64,
}

/// What is wrong with a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchErrors {
    object: String,
    /// The errors, in the order of their lines.
    pub data: Vec<BatchError>,
}

/// One thing that is wrong with a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchError {
    /// A code that programs look for.
    pub code: String,
    /// The line of the file, from 1, where it is about one.
    pub line: Option<u64>,
    /// A sentence.
    pub message: String,
    /// The field at fault.
    pub param: Option<String>,
}

/// What a batch has used, in the terms of the Responses API, as with OpenAI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchUsage {
    /// Read, with what the cache served.
    pub input_tokens: u64,
    /// More of what was read.
    pub input_tokens_details: InputDetails,
    /// Written.
    pub output_tokens: u64,
    /// More of what was written.
    pub output_tokens_details: OutputDetails,
    /// Both.
    pub total_tokens: u64,
}

/// More of what was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDetails {
    /// From the cache.
    pub cached_tokens: u64,
}

/// More of what was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputDetails {
    /// Reasoning.
    pub reasoning_tokens: u64,
}

impl BatchErrors {
    /// These errors.
    pub fn new(data: Vec<BatchError>) -> Self {
        Self {
            object: "list".to_owned(),
            data,
        }
    }
}

impl BatchUsage {
    /// Both together.
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
