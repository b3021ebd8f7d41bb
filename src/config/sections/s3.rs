use std::time::Duration;

use crate::config::reader::Section;

/// The S3 bucket: `[s3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The name of the bucket; `None` disables the features that need one.
    pub bucket: Option<String>,
    /// The prefix of all object keys.
    pub prefix: String,
    /// The validity of presigned URLs in responses.
    pub presigned_url_ttl: Duration,
    /// Whether URLs have the bucket in the path instead of the host, as many S3-compatible stores
    /// need.
    pub path_style: bool,
}

impl Default for S3Settings {
    fn default() -> Self {
        Self {
            bucket: None,
            prefix: "outcrop".to_owned(),
            presigned_url_ttl: Duration::from_secs(3600),
            path_style: false,
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> S3Settings {
    let mut settings = S3Settings::default();
    section.text("bucket", &mut settings.bucket, bucket);
    section.text("prefix", &mut settings.prefix, |text| {
        Ok(text.trim_matches('/').to_owned())
    });
    section.duration("presigned_url_ttl", &mut settings.presigned_url_ttl);
    section.flag("path_style", &mut settings.path_style);
    let max = Duration::from_secs(7 * 24 * 3600);
    if settings.presigned_url_ttl.is_zero() || settings.presigned_url_ttl > max {
        let remedy = "write from \"1s\" to \"168h\", the maximum of S3";
        section.mistake("presigned_url_ttl", "out of range", remedy);
    }
    settings
}

fn bucket(text: &str) -> Result<Option<String>, String> {
    let is_allowed =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    match text {
        "" => Ok(None),
        text if text.len() >= 3 && text.len() <= 63 && text.chars().all(is_allowed) => {
            Ok(Some(text.to_owned()))
        }
        _ => Err("write the name of a bucket without `s3://`".to_owned()),
    }
}
