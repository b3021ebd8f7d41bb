//! The lines of a batch job's files: the records that Bedrock reads, and what it writes of them.
//!
//! A job of the type `Converse` has a request of Converse in each record (AWS's user guide, "Format
//! and upload your batch inference data", read 2026-11-21).

use serde::{Deserialize, Serialize};

use super::JsonText;
use super::request::ConverseRequest;
use super::response::ConverseResponse;

/// A record that Bedrock reads.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord<'a> {
    /// Names the record, as its answer does.
    pub record_id: &'a str,
    /// The request.
    pub model_input: &'a ConverseRequest,
}

/// What Bedrock writes of a record, in any order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// The record's name.
    pub record_id: String,
    /// The answer.
    pub model_output: Option<ConverseResponse>,
    /// Why there is none.
    pub error: Option<JobRecordError>,
}

/// Why a record has no answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobRecordError {
    /// A status as of HTTP, or the name of an error.
    pub error_code: Option<JsonText>,
    /// AWS's words.
    pub error_message: Option<String>,
}

/// Older documents ask for eleven characters, newer ones for letters and digits.
const RECORD_ID_DIGITS: usize = 11;

/// The name of the record of the line `line`.
pub fn record_id(line: usize) -> String {
    format!("{line:0RECORD_ID_DIGITS$}")
}

/// The line whose record has this name.
pub fn line_of(record_id: &str) -> Option<usize> {
    record_id.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_come_from_line_numbers() {
        assert_eq!(record_id(7), "00000000007");
        assert_eq!(line_of("00000000007"), Some(7));
        assert_eq!(line_of("MANIFEST"), None);
    }

    #[test]
    fn a_record_error_code_is_a_number_or_a_name() {
        for (code, text) in [("400", "400"), ("\"ModelError\"", "\"ModelError\"")] {
            let line =
                format!(r#"{{"recordId":"1","modelInput":{{}},"error":{{"errorCode":{code}}}}}"#);
            let result: JobResult = serde_json::from_str(&line).expect("a result");
            let code = result.error.and_then(|error| error.error_code);
            assert_eq!(code.as_ref().map(JsonText::as_str), Some(text));
        }
    }
}
