use std::time::Duration;

use super::reader::Section;

/// The operator's bucket, for what models write to S3 and for what the gateway keeps: `[s3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket's name; nothing where there is none, and what needs one is off.
    pub bucket: Option<String>,
    /// What all keys begin with.
    pub prefix: String,
    /// How long the addresses given to clients are good for.
    pub presigned_url_ttl: Duration,
    /// Whether the bucket stands in the path rather than in the host's name, as stores other than
    /// AWS's want it.
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

pub(super) fn read(section: &mut Section<'_>) -> S3Settings {
    let mut settings = S3Settings::default();
    section.text("bucket", &mut settings.bucket, bucket);
    section.text("prefix", &mut settings.prefix, |text| {
        Ok(text.trim_matches('/').to_owned())
    });
    section.duration("presigned_url_ttl", &mut settings.presigned_url_ttl);
    section.flag("path_style", &mut settings.path_style);
    let max = Duration::from_secs(7 * 24 * 3600);
    if settings.presigned_url_ttl.is_zero() || settings.presigned_url_ttl > max {
        let remedy = "write from \"1s\" to \"168h\", the most that S3 takes";
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
        _ => Err("write a bucket's name alone, without `s3://`".to_owned()),
    }
}
