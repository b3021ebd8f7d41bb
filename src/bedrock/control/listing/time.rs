use std::time::SystemTime;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A time reported by the control plane, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(i64);

impl Time {
    /// The current time.
    pub fn now() -> Self {
        Self(DateTime::from(SystemTime::now()).secs())
    }

    /// Parses an RFC 3339 timestamp.
    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::from_str(text, Format::DateTimeWithOffset).ok()?;
        Some(Self(time.secs()))
    }

    /// Seconds since 1970.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }

    /// The date in UTC, as `YYYY-MM-DD`: such dates sort as text.
    pub fn date(self) -> String {
        let time = DateTime::from_secs(self.0).fmt(Format::DateTime);
        let time = time.unwrap_or_default();
        time.split('T').next().unwrap_or_default().to_owned()
    }
}

/// Deserializes an optional timestamp. This API sends text, other AWS services numbers; a malformed
/// timestamp must not fail a whole list.
pub(super) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Time>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Time::parse(&text),
        Some(Value::Number(seconds)) => seconds.as_f64().map(|seconds| Time(seconds as i64)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_parsed_in_every_format_and_shown_as_dates() {
        #[derive(Deserialize)]
        struct TimeFields {
            #[serde(default, deserialize_with = "lenient")]
            at: Option<Time>,
        }
        for (json, date) in [
            (r#"{"at":"2025-09-29T23:59:59Z"}"#, Some("2025-09-29")),
            (
                r#"{"at":"2025-09-29T00:00:00.123456+00:00"}"#,
                Some("2025-09-29"),
            ),
            (r#"{"at":1759104000.5}"#, Some("2025-09-29")),
            (r#"{"at":"soon"}"#, None),
            (r#"{"at":null}"#, None),
            ("{}", None),
        ] {
            let holder: TimeFields = serde_json::from_str(json).expect("an object");
            assert_eq!(holder.at.map(Time::date).as_deref(), date, "{json}");
        }
        let time = Time::parse("1970-01-01T00:01:00Z");
        assert_eq!(time.map(Time::unix_seconds), Some(60));
    }
}
