//! Converts documents to text.

use std::fmt::Write;

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::ApiError;

/// The default field of an object (Cohere's API, version 1).
const TEXT: &str = "text";

/// The text of the document at `index`: a string, or an object's fields, one per line, which is
/// the format that Cohere used for training.
pub(super) fn text_of(
    document: &JsonText,
    index: usize,
    rank_fields: &[String],
) -> Result<String, ApiError> {
    let path = || format!("documents[{index}]");
    if let Ok(text) = serde_json::from_str::<String>(document.as_str()) {
        return Ok(text);
    }
    let Some(fields) = Fields::from_object(document) else {
        let message = "a document must be a string, or an object with the fields to rank";
        return Err(ApiError::invalid(path(), message));
    };
    let text = match rank_fields {
        [] => match fields.get(TEXT) {
            Some(text) => written(text),
            None => lines(fields.iter()),
        },
        [only] if only == TEXT => written(field(&fields, only, path)?),
        named => {
            let mut values = Vec::with_capacity(named.len());
            for name in named {
                values.push((name.as_str(), field(&fields, name, path)?));
            }
            lines(values.into_iter())
        }
    };
    match text.is_empty() {
        true => Err(ApiError::invalid(path(), "this document is empty")),
        false => Ok(text),
    }
}

fn field<'a>(
    fields: &'a Fields,
    name: &str,
    path: impl Fn() -> String,
) -> Result<&'a JsonText, ApiError> {
    fields.get(name).ok_or_else(|| {
        let path = path();
        let message = format!("`{path}` has no field `{name}`, which is listed in `rank_fields`");
        ApiError::invalid(format!("{path}.{name}"), message)
    })
}

fn lines<'a>(fields: impl Iterator<Item = (&'a str, &'a JsonText)>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        let separator = if text.is_empty() { "" } else { "\n" };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}{name}: {}", written(value));
    }
    text
}

/// A string unchanged, other values as JSON.
fn written(value: &JsonText) -> String {
    serde_json::from_str(value.as_str()).unwrap_or_else(|_| value.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(document: &str, rank_fields: &[&str]) -> Result<String, Option<String>> {
        let document = JsonText::parse(document.to_owned()).expect("JSON");
        let fields: Vec<String> = rank_fields.iter().map(|name| (*name).to_owned()).collect();
        text_of(&document, 2, &fields).map_err(|error| error.path().map(|path| path.into_owned()))
    }

    #[test]
    fn documents_are_converted_to_text() {
        let object = r#"{"title":"Ore","year":1848,"text":"It is \"rock\"."}"#;
        for (document, fields, expected) in [
            (r#""plain""#, &[][..], "plain"),
            (object, &[], "It is \"rock\"."),
            (object, &["text"], "It is \"rock\"."),
            (object, &["year", "title"], "year: 1848\ntitle: Ore"),
            (r#"{"a":"b","c":[1]}"#, &[], "a: b\nc: [1]"),
        ] {
            assert_eq!(text(document, fields).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn documents_without_text_are_reported_by_index() {
        for (document, fields, at) in [
            ("3", &[][..], "documents[2]"),
            ("{}", &[], "documents[2]"),
            (r#"{"text":"a"}"#, &["title"], "documents[2].title"),
        ] {
            assert_eq!(text(document, fields), Err(Some(at.to_owned())));
        }
    }
}
