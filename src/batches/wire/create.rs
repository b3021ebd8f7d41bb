use super::BatchEndpoint;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::endpoints::files::wire::{DEFAULT_LIFETIME, ExpiresAfter};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::client_object;

client_object! {
    /// The body of `POST /v1/batches`.
    pub struct CreateBatch {
        /// The input file with the requests.
        input_file_id: String,
        /// The path that serves the individual requests.
        endpoint: String,
        /// The time limit of the batch.
        completion_window: String,
        /// The client's metadata.
        metadata: Fields,
        /// When the output files expire.
        output_expires_after: ExpiresAfter,
    }
}

/// The only supported completion window.
const WINDOW: &str = "24h";

/// The maximum number of metadata entries, as at OpenAI.
const MAX_LABELS: usize = 16;

/// A validated create request.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBatch {
    /// The input file with the requests.
    pub input_file_id: String,
    /// The path that serves the individual requests.
    pub endpoint: BatchEndpoint,
    /// The time limit of the batch.
    pub completion_window: String,
    /// The client's metadata.
    pub metadata: Option<Fields>,
    /// The lifetime of the output files in seconds.
    pub output_life: i64,
}

impl CreateBatch {
    /// Validates the request.
    pub fn read(self, adjustments: &mut Adjustments) -> Result<NewBatch, ApiError> {
        let Self {
            input_file_id,
            endpoint,
            completion_window,
            metadata,
            output_expires_after,
            unknown,
        } = self;
        for (field, _) in &unknown {
            adjustments.ignored(field);
        }
        let input_file_id = required("input_file_id", input_file_id)?;
        let endpoint = required("endpoint", endpoint)?;
        let endpoint = BatchEndpoint::of(&endpoint).ok_or_else(|| {
            let supported = BatchEndpoint::ALL.map(BatchEndpoint::path).join("`, `");
            let message = format!("`endpoint` is `{endpoint}`; batches support `{supported}`");
            ApiError::unsupported_value("endpoint", message)
        })?;
        let completion_window = required("completion_window", completion_window)?;
        if completion_window != WINDOW {
            let message =
                format!("`completion_window` is `{completion_window}`; it must be `{WINDOW}`");
            return Err(ApiError::invalid("completion_window", message));
        }
        if let Some(labels) = &metadata {
            check_labels(labels)?;
        }
        let output_life = match output_expires_after {
            None => DEFAULT_LIFETIME,
            Some(expires) => expires.life("output_expires_after", adjustments)?,
        };
        Ok(NewBatch {
            input_file_id,
            endpoint,
            completion_window,
            metadata,
            output_life,
        })
    }
}

fn required(field: &'static str, value: Option<String>) -> Result<String, ApiError> {
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| ApiError::missing(field, format!("`{field}` is missing")))
}

fn check_labels(labels: &Fields) -> Result<(), ApiError> {
    let is_text = |value: &JsonText| value.as_str().starts_with('"');
    let max = MAX_LABELS;
    if labels.iter().count() > max || !labels.iter().all(|(_, value)| is_text(value)) {
        let message =
            format!("`metadata` may have at most {max} entries, whose values must be strings");
        return Err(ApiError::invalid("metadata", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> (Result<NewBatch, ApiError>, String) {
        let mut adjustments = Adjustments::default();
        let request: CreateBatch = serde_json::from_str(json).expect("JSON");
        let read = request.read(&mut adjustments);
        (read, adjustments.header_value().unwrap_or_default())
    }

    #[test]
    fn a_batch_request_is_parsed_with_metadata_and_file_expiry() {
        let (batch, notes) = read(
            r#"{"input_file_id":"file-1","endpoint":"/v1/chat/completions","completion_window":"24h",
                "metadata":{"a":"b"},"output_expires_after":{"anchor":"created_at","seconds":3600},
                "priority":1}"#,
        );
        let batch = batch.expect("a batch");
        assert_eq!((&*batch.input_file_id, batch.output_life), ("file-1", 3600));
        assert!(notes.contains("priority"), "{notes}");
    }

    #[test]
    fn an_invalid_batch_request_is_rejected_by_field() {
        let whole =
            r#"{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":"24h"}"#;
        assert!(read(whole).0.is_ok());
        for (json, parameter) in [
            ("{}".to_owned(), "input_file_id"),
            (
                whole.replace("/v1/chat/completions", "/v1/embeddings"),
                "endpoint",
            ),
            (whole.replace("24h", "1h"), "completion_window"),
            (whole.replace('}', r#","metadata":{"a":1}}"#), "metadata"),
            (
                whole.replace('}', r#","output_expires_after":{"seconds":3600}}"#),
                "output_expires_after.anchor",
            ),
        ] {
            let error = read(&json).0.expect_err(&json);
            assert_eq!(error.path().as_deref(), Some(parameter));
        }
    }
}
