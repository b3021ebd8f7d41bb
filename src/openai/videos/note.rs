//! What a video's client is told, kept by Bedrock with the job: in the token that makes its start
//! idempotent, which Bedrock gives back wherever it tells of the job. So no instance has to
//! remember anything.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What every token of the gateway begins with.
const PREFIX: &str = "outcrop1";
/// The longest token that Bedrock takes (botocore, `AsyncInvokeIdempotencyToken`).
const MAX_TOKEN_CHARS: usize = 256;

/// What a job is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNote {
    /// Tells the jobs apart.
    pub nonce: u64,
    /// The length.
    pub seconds: u32,
    /// `1280x720`
    pub size: String,
    /// The model by the client's name; empty where it is too long to be kept.
    pub model: String,
}

impl JobNote {
    /// Reads a token; nothing where it is none of the gateway's.
    pub fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        if parts.next()? != PREFIX {
            return None;
        }
        let nonce = u64::from_str_radix(parts.next()?, 16).ok()?;
        let seconds = parts.next()?.parse().ok()?;
        let size = parts.next()?.to_owned();
        let model = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        Some(Self {
            nonce,
            seconds,
            size,
            model: String::from_utf8(model).ok()?,
        })
    }
}

impl fmt::Display for JobNote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            nonce,
            seconds,
            size,
            model,
        } = self;
        let head = format!("{PREFIX}.{nonce:016x}.{seconds}.{size}.");
        let model = URL_SAFE_NO_PAD.encode(model);
        let model = match head.len() + model.len() <= MAX_TOKEN_CHARS {
            true => model,
            false => String::new(),
        };
        write!(formatter, "{head}{model}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(model: &str) -> JobNote {
        JobNote {
            nonce: 7,
            seconds: 12,
            size: "1280x720".to_owned(),
            model: model.to_owned(),
        }
    }

    #[test]
    fn a_job_note_round_trips() {
        let note = note("my films, ä");
        let token = note.to_string();
        assert!(token.chars().all(|c| ('!'..='~').contains(&c)), "{token}");
        assert_eq!(JobNote::parse(&token), Some(note));
        assert_eq!(JobNote::parse("someone-elses-token"), None);
    }

    #[test]
    fn a_name_that_is_too_long_is_omitted() {
        let token = note(&"x".repeat(400)).to_string();
        assert!(token.len() <= MAX_TOKEN_CHARS);
        assert_eq!(JobNote::parse(&token), Some(note("")));
    }
}
