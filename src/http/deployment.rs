//! The model in the path of Azure's clients, which overrides the model in the body.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Header that carries the deployment of the path to the reader of the body. It is removed from
/// clients' requests.
pub(crate) const DEPLOYMENT: HeaderName = HeaderName::from_static("x-outcrop-deployment");

/// The deployment in the path.
pub fn deployment(headers: &HeaderMap) -> Option<&str> {
    headers.get(DEPLOYMENT)?.to_str().ok()
}

/// Sets `model` in a JSON body to the deployment of the path; the other bytes stay the same. A body
/// that is not an object is left for its reader to refuse.
pub(crate) fn with_deployment(headers: &HeaderMap, body: Bytes) -> Bytes {
    let Some(model) = deployment(headers) else {
        return body;
    };
    replaced(&body, model).unwrap_or(body)
}

fn replaced(body: &Bytes, model: &str) -> Option<Bytes> {
    let text = std::str::from_utf8(body).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let Members {
        model: existing,
        count,
    } = deserializer.deserialize_map(ModelMember { text }).ok()?;
    let model = serde_json::to_string(model).ok()?;
    let (range, inserted) = match existing {
        Some(range) => (range, model),
        None => {
            let start = text.find('{')? + 1;
            let comma = if count > 0 { "," } else { "" };
            (start..start, format!("\"model\":{model}{comma}"))
        }
    };
    let mut changed = Vec::with_capacity(text.len() + inserted.len());
    changed.extend_from_slice(text.get(..range.start)?.as_bytes());
    changed.extend_from_slice(inserted.as_bytes());
    changed.extend_from_slice(text.get(range.end..)?.as_bytes());
    Some(changed.into())
}

/// The members of an object.
struct Members {
    /// The byte range of the value of `model`.
    model: Option<Range<usize>>,
    count: usize,
}

/// Finds the member `model` and skips the others.
struct ModelMember<'a> {
    text: &'a str,
}

impl<'a> Visitor<'a> for ModelMember<'a> {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members {
            model: None,
            count: 0,
        };
        while let Some(name) = map.next_key::<std::borrow::Cow<'a, str>>()? {
            members.count += 1;
            if name != "model" || members.model.is_some() {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&'a RawValue>()?.get();
            let start = value.as_ptr() as usize - self.text.as_ptr() as usize;
            members.model = Some(start..start + value.len());
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_in_the_path_overrides_the_one_in_the_body() {
        let mut headers = HeaderMap::new();
        let body = Bytes::from_static(br#"{"model":"b"}"#);
        assert_eq!(with_deployment(&headers, body.clone()), body);
        headers.insert(DEPLOYMENT, "gpt-4o".parse().expect("a value"));
        for (given, expected) in [
            (r#"{"model":"b"}"#, r#"{"model":"gpt-4o"}"#),
            (
                r#" { "a" : 0.70, "model" : null, "z":{"model":1} }"#,
                r#" { "a" : 0.70, "model" : "gpt-4o", "z":{"model":1} }"#,
            ),
            (r#"{"messages":[]}"#, r#"{"model":"gpt-4o","messages":[]}"#),
            ("{}", r#"{"model":"gpt-4o"}"#),
            (r#"{"mod\u0065l":1}"#, r#"{"mod\u0065l":"gpt-4o"}"#),
            ("[1]", "[1]"),
            (r#"{"a":"#, r#"{"a":"#),
            ("", ""),
        ] {
            let changed = with_deployment(&headers, Bytes::from_static(given.as_bytes()));
            assert_eq!(changed, expected, "{given}");
        }
    }
}
