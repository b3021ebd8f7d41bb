//! `/v1/files` in OpenAI's format.

use serde::Serialize;

use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::client_object;

client_object! {
    /// The text fields of the form of `POST /v1/files`; the file is a separate part, `file`.
    pub struct FileForm {
        /// The purpose of the file.
        purpose: String,
        /// The start of the expiry period.
        expires_anchor => "expires_after[anchor]": String,
        /// The expiry period in seconds.
        expires_seconds => "expires_after[seconds]": i64,
    }
}

client_object! {
    /// When a file expires.
    pub struct ExpiresAfter {
        /// The start of the expiry period: `created_at`.
        anchor: String,
        /// The expiry period in seconds.
        seconds: i64,
    }
}

/// The purpose of batch input files, the only uploads that are supported.
pub const BATCH: &str = "batch";

/// The purpose of batch output files.
pub const BATCH_OUTPUT: &str = "batch_output";

/// The default lifetime of batch files: 30 days, as at OpenAI.
pub const DEFAULT_LIFETIME: i64 = 30 * 24 * 3600;

/// The minimum lifetime, as at OpenAI; the maximum is the default.
const MIN_LIFETIME: i64 = 3600;

impl FileForm {
    /// The lifetime of the file in seconds.
    pub fn life(self, adjustments: &mut Adjustments) -> Result<i64, ApiError> {
        let Self {
            purpose,
            expires_anchor,
            expires_seconds,
            unknown,
        } = self;
        for (field, _) in &unknown {
            adjustments.ignored(field);
        }
        match purpose.as_deref() {
            Some(BATCH) => {}
            None | Some("") => {
                return Err(ApiError::missing(
                    "purpose",
                    "`purpose` is missing; send `batch`",
                ));
            }
            Some(other) => {
                let message = format!(
                    "`purpose` is `{other}`; only `batch` is supported. Send files of a conversation \
                     in its messages"
                );
                return Err(ApiError::unsupported_value("purpose", message));
            }
        }
        if expires_anchor.is_none() && expires_seconds.is_none() {
            return Ok(DEFAULT_LIFETIME);
        }
        life("expires_after", expires_anchor.as_deref(), expires_seconds)
    }
}

impl ExpiresAfter {
    /// The lifetime of output files in seconds; `field` is the client's field.
    pub fn life(self, field: &str, adjustments: &mut Adjustments) -> Result<i64, ApiError> {
        let Self {
            anchor,
            seconds,
            unknown,
        } = self;
        for (name, _) in &unknown {
            adjustments.ignored(format!("{field}.{name}"));
        }
        life(field, anchor.as_deref(), seconds)
    }
}

fn life(field: &str, anchor: Option<&str>, seconds: Option<i64>) -> Result<i64, ApiError> {
    if anchor != Some("created_at") {
        let parameter = format!("{field}.anchor");
        let message = format!("`{parameter}` must be `created_at`");
        return Err(ApiError::invalid(parameter, message));
    }
    let range = MIN_LIFETIME..=DEFAULT_LIFETIME;
    seconds
        .filter(|seconds| range.contains(seconds))
        .ok_or_else(|| {
            let parameter = format!("{field}.seconds");
            let message = format!(
                "`{parameter}` must be an integer from {MIN_LIFETIME} to {DEFAULT_LIFETIME}"
            );
            ApiError::invalid(parameter, message)
        })
}

/// A file.
#[derive(Debug, Serialize)]
pub struct FileObject<'a> {
    /// `file-…`
    pub id: &'a str,
    /// `file`
    pub object: &'static str,
    /// The size in bytes.
    pub bytes: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    /// The file name.
    pub filename: &'a str,
    /// The purpose.
    pub purpose: &'a str,
    /// Always `processed`: files are listed only when complete.
    pub status: &'static str,
    /// Always `null`.
    pub status_details: Option<&'static str>,
}

/// The response to the deletion of a file.
#[derive(Debug, Serialize)]
pub struct FileDeleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

impl<'a> FileDeleted<'a> {
    /// The response for the file `id`.
    pub fn new(id: &'a str) -> Self {
        Self {
            id,
            object: "file",
            deleted: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(purpose: &str, anchor: Option<&str>, seconds: Option<i64>) -> FileForm {
        FileForm {
            purpose: Some(purpose.to_owned()),
            expires_anchor: anchor.map(str::to_owned),
            expires_seconds: seconds,
            unknown: Vec::new(),
        }
    }

    fn read(form: FileForm) -> Result<i64, ApiError> {
        form.life(&mut Adjustments::default())
    }

    #[test]
    fn file_expiry_is_parsed() {
        assert_eq!(read(form("batch", None, None)), Ok(DEFAULT_LIFETIME));
        let day = form("batch", Some("created_at"), Some(86_400));
        assert_eq!(read(day), Ok(86_400));
    }

    #[test]
    fn invalid_uploads_are_rejected_by_field() {
        for (form, parameter) in [
            (FileForm::default(), "purpose"),
            (form("fine-tune", None, None), "purpose"),
            (form("batch", None, Some(3600)), "expires_after.anchor"),
            (
                form("batch", Some("created_at"), None),
                "expires_after.seconds",
            ),
            (
                form("batch", Some("created_at"), Some(1)),
                "expires_after.seconds",
            ),
        ] {
            let error = read(form).expect_err(parameter);
            assert_eq!(error.path().as_deref(), Some(parameter));
        }
    }
}
