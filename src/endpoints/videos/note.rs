//! Data that the gateway stores with the job in Bedrock: in the client request token, which makes
//! the start idempotent and which Bedrock returns with the job. So instances need no state.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The prefix of the gateway's tokens.
const PREFIX: &str = "outcrop1";
/// The maximum length of a token (botocore, `AsyncInvokeIdempotencyToken`).
const MAX_TOKEN_CHARS: usize = 256;

/// The data stored with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNote {
    /// Makes the token unique.
    pub nonce: u64,
    /// The duration in seconds.
    pub seconds: u32,
    /// `1280x720`
    pub size: String,
    /// The model name in the client's request; empty if it is too long to be stored.
    pub model: String,
}

impl JobNote {
    /// Parses a token; `None` if it is not a token of the gateway.
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
