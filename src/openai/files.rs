//! `/v1/files` in OpenAI's words.

use serde::Serialize;

use super::object::client_object;
use crate::adjustments::Adjustments;
use crate::error::ApiError;

client_object! {
    /// The texts of the form of `POST /v1/files`; the file itself is a part of its own, `file`.
    pub struct FileForm {
        /// What the file is for.
        purpose: String,
        /// From when on the time of its end is counted.
        expires_anchor => "expires_after[anchor]": String,
        /// How many seconds after that it ends.
        expires_seconds => "expires_after[seconds]": i64,
    }
}

client_object! {
    /// When a file ends.
    pub struct ExpiresAfter {
        /// From when on the time is counted: `created_at`.
        anchor: String,
        /// How many seconds.
        seconds: i64,
    }
}

/// What files of batches are for: the only ones that anything is made of here.
pub const BATCH: &str = "batch";

/// What the files are for that a batch writes.
pub const BATCH_OUTPUT: &str = "batch_output";

/// How long files of batches live where nobody says otherwise: 30 days, as with OpenAI.
pub const DEFAULT_LIFETIME: i64 = 30 * 24 * 3600;

/// The shortest life that can be asked for, as with OpenAI; the longest is the usual one.
const MIN_LIFETIME: i64 = 3600;

impl FileForm {
    /// How long the file lives, in seconds.
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
                    "`purpose` is missing; it is `batch`",
                ));
            }
            Some(other) => {
                let message = format!(
                    "`purpose` is `{other}`, and files are kept for batches alone: `batch`; files of \
                     a conversation stand in its messages"
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
    /// How long files live, in seconds; `field` is where the client says it.
    pub fn life(self, field: &str, adjustments: &mut Adjustments) -> Result<i64, ApiError> {
        let Self {
            anchor,
            seconds,
            unknown,
        } = self;
        for (name, _) in &unknown {
            adjustments.ignored(&format!("{field}.{name}"));
        }
        life(field, anchor.as_deref(), seconds)
    }
}

fn life(field: &str, anchor: Option<&str>, seconds: Option<i64>) -> Result<i64, ApiError> {
    if anchor != Some("created_at") {
        let parameter = format!("{field}.anchor");
        let message = format!("`{parameter}` is `created_at`");
        return Err(ApiError::invalid(parameter, message));
    }
    let range = MIN_LIFETIME..=DEFAULT_LIFETIME;
    seconds
        .filter(|seconds| range.contains(seconds))
        .ok_or_else(|| {
            let parameter = format!("{field}.seconds");
            let message = format!(
                "`{parameter}` is a whole number from {MIN_LIFETIME} to {DEFAULT_LIFETIME}"
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
    /// Its length.
    pub bytes: i64,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub expires_at: Option<i64>,
    /// Its name.
    pub filename: &'a str,
    /// What it is for.
    pub purpose: &'a str,
    /// Files are whole when they are told of: `processed`.
    pub status: &'static str,
    /// Nothing is said of a file's state.
    pub status_details: Option<&'static str>,
}

/// What is answered when a file was deleted.
#[derive(Debug, Serialize)]
pub struct FileDeleted<'a> {
    id: &'a str,
    object: &'static str,
    deleted: bool,
}

impl<'a> FileDeleted<'a> {
    /// The file `id` is deleted.
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
            assert_eq!(error.parameter.as_deref(), Some(parameter));
        }
    }
}
