//! Records in the input and output files of a batch job.
//!
//! A job of the type `Converse` has a Converse request in each record (AWS's user guide, "Format
//! and upload your batch inference data", read 2026-11-21).

use serde::{Deserialize, Serialize};

use crate::converse::JsonText;
use crate::converse::request::ConverseRequest;
use crate::converse::response::ConverseResponse;

/// A record of an input file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRecord<'a> {
    /// The record's id, repeated in its output record.
    pub record_id: &'a str,
    /// The request.
    pub model_input: &'a ConverseRequest,
}

/// A record of an output file. The records have no guaranteed order.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobResult {
    /// The record's id.
    pub record_id: String,
    /// The response; `None` if the request failed.
    pub model_output: Option<ConverseResponse>,
    /// The error; `None` if the request succeeded.
    pub error: Option<JobRecordError>,
}

/// Why a request failed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobRecordError {
    /// An HTTP status, or the name of an error.
    pub error_code: Option<JsonText>,
    /// AWS's message.
    pub error_message: Option<String>,
}

/// Older documents require eleven characters, newer ones letters and digits.
const RECORD_ID_DIGITS: usize = 11;

/// The record id for a line number.
pub fn record_id(line: usize) -> String {
    format!("{line:0RECORD_ID_DIGITS$}")
}

/// The line number of a record id.
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
