//! Forms (`multipart/form-data`): text fields are deserialized like the equivalent JSON object.

use std::fmt;

use bytes::Bytes;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::converse::json::describe;
use crate::error::ApiError;

/// A complete part of a form.
#[derive(Clone, PartialEq, Eq)]
pub struct FormPart {
    /// The field's name; the parts of a list share a name, `image` or `image[]`.
    pub name: String,
    /// The file name; `None` for text fields.
    pub file_name: Option<String>,
    /// The media type declared by the client.
    pub content_type: Option<String>,
    /// The content.
    pub bytes: Bytes,
}

impl FormPart {
    /// The field's name without the list brackets.
    pub fn field(&self) -> &str {
        self.name.strip_suffix("[]").unwrap_or(&self.name)
    }
}

impl fmt::Debug for FormPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({} bytes)", self.name, self.bytes.len())
    }
}

/// Deserializes the text fields of a form as `T`, and returns the files in order. Numbers and
/// booleans are written as in JSON.
pub fn read<T: DeserializeOwned>(parts: Vec<FormPart>) -> Result<(T, Vec<FormPart>), ApiError> {
    let (files, texts): (Vec<FormPart>, Vec<FormPart>) =
        parts.into_iter().partition(|part| part.file_name.is_some());
    let mut fields: Vec<(String, FormTexts)> = Vec::new();
    for part in texts {
        let name = part.field().to_owned();
        let is_list = part.name.ends_with("[]");
        let text = String::from_utf8(part.bytes.to_vec())
            .map_err(|_| ApiError::invalid(&*name, format!("`{name}` is not UTF-8 text")))?;
        match fields.iter_mut().find(|(other, _)| *other == name) {
            Some((_, texts)) => texts.texts.push(text),
            None => fields.push((
                name,
                FormTexts {
                    texts: vec![text],
                    is_list,
                },
            )),
        }
    }
    let fields: MapDeserializer<'_, _, serde_json::Error> =
        MapDeserializer::new(fields.into_iter());
    let value = serde_path_to_error::deserialize(fields).map_err(|error| {
        let path = error.path().to_string();
        ApiError::invalid(&*path, format!("`{path}`: {}", describe(error.inner())))
    })?;
    Ok((value, files))
}

/// The values of one field.
struct FormTexts {
    texts: Vec<String>,
    /// Whether the name has list brackets.
    is_list: bool,
}

/// One value: a string if a string is expected, otherwise JSON.
struct FormText(String);

impl<'de> IntoDeserializer<'de, serde_json::Error> for FormTexts {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for FormText {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl FormTexts {
    /// The value of a field that is not a list; the last one if repeated.
    fn one(mut self) -> FormText {
        FormText(self.texts.pop().unwrap_or_default())
    }
}

impl<'de> Deserializer<'de> for FormTexts {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.is_list || self.texts.len() > 1 {
            true => self.deserialize_seq(visitor),
            false => self.one().deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.one().deserialize_str(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let is_json = |text: &String| text.trim_start().starts_with('[');
        match self.is_list || self.texts.len() > 1 || !self.texts.iter().any(is_json) {
            true => {
                SeqDeserializer::new(self.texts.into_iter().map(FormText)).deserialize_any(visitor)
            }
            false => self.one().deserialize_seq(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.one().deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl FormText {
    /// The text as JSON: unchanged if it is JSON, otherwise as a JSON string.
    fn json(self) -> String {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&self.0).is_ok();
        match is_json {
            true => self.0,
            false => serde_json::Value::String(self.0).to_string(),
        }
    }
}

impl<'de> Deserializer<'de> for FormText {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_reader(self.json().as_bytes()).deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_string(self.0)
    }

    /// `JsonText` deserializes as a newtype struct, too.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        serde_json::Deserializer::from_reader(self.json().as_bytes())
            .deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
#[allow(unreachable_pub)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::wire::client_object;
    use serde_json::Number;

    client_object! {
        struct Sample {
            prompt: String,
            n: i64,
            stream: bool,
            strength: Number,
            colors: Vec<String>,
            user: JsonText,
        }
    }

    fn part(name: &str, text: &str) -> FormPart {
        FormPart {
            name: name.to_owned(),
            file_name: None,
            content_type: None,
            bytes: text.to_owned().into(),
        }
    }

    fn sample(parts: &[(&str, &str)]) -> Result<Sample, ApiError> {
        let parts = parts.iter().map(|(name, text)| part(name, text)).collect();
        read(parts).map(|(sample, _)| sample)
    }

    #[test]
    fn the_field_type_determines_how_form_text_is_parsed() {
        let sample = sample(&[
            ("prompt", "42"),
            ("n", "3"),
            ("stream", "true"),
            ("strength", "0.5"),
            ("user", "ann"),
            ("odd", "{\"a\": 1}"),
        ])
        .expect("a form");
        assert_eq!(sample.prompt.as_deref(), Some("42"));
        assert_eq!((sample.n, sample.stream), (Some(3), Some(true)));
        assert_eq!(sample.strength, Number::from_f64(0.5));
        assert_eq!(sample.user.as_ref().map(JsonText::as_str), Some("\"ann\""));
        let odd = sample
            .unknown
            .first()
            .map(|(key, value)| (&**key, value.as_str()));
        assert_eq!(odd, Some(("odd", "{\"a\": 1}")));
    }

    #[test]
    fn a_list_is_accepted_as_repeated_parts_or_as_json() {
        let red_blue = Some(vec!["#f00".to_owned(), "#00f".to_owned()]);
        for form in [
            &[("colors[]", "#f00"), ("colors[]", "#00f")][..],
            &[("colors", "#f00"), ("colors", "#00f")],
            &[("colors", r##"["#f00", "#00f"]"##)],
        ] {
            assert_eq!(sample(form).expect("a form").colors, red_blue, "{form:?}");
        }
        let one = sample(&[("colors", "#f00")]).expect("a form").colors;
        assert_eq!(one, Some(vec!["#f00".to_owned()]));
    }

    #[test]
    fn invalid_form_fields_are_named() {
        for (name, text) in [("n", "many"), ("stream", "2")] {
            let error = sample(&[(name, text)]).expect_err(text);
            assert_eq!(error.path().as_deref(), Some(name), "{error}");
        }
        let mut part = part("prompt", "");
        part.bytes = Bytes::from_static(b"\xff");
        let error = read::<Sample>(vec![part]).expect_err("no text");
        assert_eq!(error.path().as_deref(), Some("prompt"));
    }

    #[test]
    fn files_are_kept_in_order() {
        let file = |name: &str| FormPart {
            file_name: Some("a.png".to_owned()),
            ..part(name, "bytes")
        };
        let parts = vec![file("image[]"), part("prompt", "a"), file("mask")];
        let (_, files) = read::<Sample>(parts).expect("a form");
        let names: Vec<&str> = files.iter().map(FormPart::field).collect();
        assert_eq!(names, ["image", "mask"]);
    }
}
