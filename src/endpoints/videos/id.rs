//! A video id: an opaque encoding of the job's region and id.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The prefix of all ids.
const PREFIX: &str = "video_";

/// The region of a job and its id of twelve characters. The account is not included, since
/// Bedrock returns it to each instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoId {
    /// The region.
    pub region: String,
    /// The last part of the job's ARN.
    pub job: String,
}

impl VideoId {
    /// Parses an id; `None` if it is not an id of this gateway.
    pub fn parse(id: &str) -> Option<Self> {
        let packed = URL_SAFE_NO_PAD.decode(id.strip_prefix(PREFIX)?).ok()?;
        let text = String::from_utf8(packed).ok()?;
        let (region, job) = text.split_once('/')?;
        let plain = |text: &str, more: &[char]| {
            let is_allowed =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(&c);
            !text.is_empty() && text.len() <= 32 && text.chars().all(is_allowed)
        };
        (plain(region, &['-']) && plain(job, &[])).then(|| Self {
            region: region.to_owned(),
            job: job.to_owned(),
        })
    }
}

impl fmt::Display for VideoId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { region, job } = self;
        let packed = URL_SAFE_NO_PAD.encode(format!("{region}/{job}"));
        write!(formatter, "{PREFIX}{packed}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_id_round_trips() {
        let id = VideoId {
            region: "eu-west-1".to_owned(),
            job: "abc123def456".to_owned(),
        };
        let text = id.to_string();
        assert!(!text.contains("abc123"), "{text}");
        assert_eq!(VideoId::parse(&text), Some(id));
    }

    #[test]
    fn an_invalid_video_id_is_rejected() {
        let packed = |text: &str| format!("video_{}", URL_SAFE_NO_PAD.encode(text));
        for wrong in [
            String::new(),
            "video_".to_owned(),
            "video_!!".to_owned(),
            packed("us-east-1"),
            packed("us-east-1/"),
            packed("us-east-1/../x"),
            packed("us-east-1/abc/def"),
            packed(&format!("us-east-1/{}", "a".repeat(33))),
        ] {
            assert_eq!(VideoId::parse(&wrong), None, "{wrong}");
        }
    }
}
