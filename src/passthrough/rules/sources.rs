//! Finds keys and buckets anywhere in a JSON body of any format.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::not_json;
use crate::error::ApiError;

/// The buckets in `json`: in Converse's `s3Location.uri`, at the same position in bodies of Nova
/// and Marengo, and in a job's `s3Uri`.
pub(super) fn buckets(json: &[u8]) -> Result<Vec<String>, ApiError> {
    let mut buckets = Vec::new();
    each_member(json, &mut |key, value| {
        if !matches!(key, "uri" | "s3Uri") {
            return;
        }
        let rest = value.and_then(|uri| uri.strip_prefix("s3://"));
        if let Some(bucket) = rest.and_then(|rest| rest.split('/').next()) {
            buckets.push(bucket.to_owned());
        }
    })?;
    Ok(buckets)
}

/// Whether `json` has a key with this name anywhere, escaped or not.
pub(super) fn mentions(json: &[u8], name: &str) -> Result<bool, ApiError> {
    let mut found = false;
    each_member(json, &mut |key, _| found |= key == name)?;
    Ok(found)
}

/// Calls `visit` with each key of each object in `json`, and with its value if that is a string.
/// Duplicate keys are included, since parsers differ in which of them they use.
fn each_member(json: &[u8], visit: &mut dyn FnMut(&str, Option<&str>)) -> Result<(), ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let walk = Walk { key: None, visit };
    walk.deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| not_json(&error))
}

/// The visitor of one value, which descends into it.
struct Walk<'a, 'v> {
    /// The key of the value.
    key: Option<&'a str>,
    visit: &'a mut (dyn FnMut(&str, Option<&str>) + 'v),
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            (self.visit)(&key, None);
            map.next_value_seed(Walk {
                key: Some(&key),
                visit: &mut *self.visit,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Walk {
                key: None,
                visit: &mut *self.visit,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if let Some(key) = self.key {
            (self.visit)(key, Some(text));
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_found_at_any_depth() {
        let json = br#"{"a":[{"s3Location":{"uri":"s3://one/x"}},1,null,true,2.5],
            "s3Uri":"s3://two","s3\u0055ri":"s3://three/","text":"s3://none","uri":"http://none"}"#;
        let found = buckets(json).expect("JSON");
        assert_eq!(found, ["one", "two", "three"]);
    }

    #[test]
    fn an_escaped_key_is_found() {
        let json = br#"{"a":[{"guard\u0043ontent":{}}]}"#;
        assert_eq!(mentions(json, "guardContent"), Ok(true));
        assert_eq!(mentions(br#"["guardContent"]"#, "guardContent"), Ok(false));
        assert!(mentions(b"{} {}", "a").is_err());
    }
}
