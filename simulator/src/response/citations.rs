//! Claude's citations of documents and search results.

use serde_json::{Value, json};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::output::Part;
use crate::conversation::{Block, Conversation, text};
use crate::families::{Family, Maker};

/// Maximum length of cited text, in characters.
const MAX_LENGTH: usize = 120;

/// A block that cites the first source with citations enabled; `None` for models other than Claude.
pub(super) fn part(family: &Family, conversation: &Conversation<'_>) -> Option<Part> {
    if family.maker != Maker::Anthropic {
        return None;
    }
    let citation = of_documents(conversation).or_else(|| of_results(conversation))?;
    let quote = citation.pointer("/sourceContent/0/text").cloned();
    Some(Part::Other(json!({ "citationsContent": {
        "citations": [citation],
        "content": [{ "text": quote }],
    } })))
}

fn citations_enabled(value: &Value) -> bool {
    value.pointer("/citations/enabled") == Some(&Value::Bool(true))
}

/// Recordings `conv-claude-2344010a` (text) and `conv-claude-7c4ca254` (PDF).
fn of_documents(conversation: &Conversation<'_>) -> Option<Value> {
    let (index, document) = conversation
        .messages
        .iter()
        .flat_map(|message| message.of_kind("document"))
        .enumerate()
        .find(|(_, document)| citations_enabled(document))?;
    let source = document.get("source")?;
    let parts = source.get("content").and_then(Value::as_array);
    let (quote, location) = if let Some(parts) = parts {
        let first = text(parts.first().and_then(|part| part.get("text")));
        let chunk = json!({ "documentIndex": index, "start": 0, "end": 1 });
        (quoted_passage(first), json!({ "documentChunk": chunk }))
    } else if text(document.get("format")) == "pdf" {
        let page = json!({ "documentIndex": index, "start": 1, "end": 2 });
        let quote = "The first page of the document.".to_owned();
        (quote, json!({ "documentPage": page }))
    } else {
        let quote = quoted_passage(&plain_text(source));
        let end = quote.chars().count();
        let document_range = json!({ "documentIndex": index, "start": 0, "end": end });
        (quote, json!({ "documentChar": document_range }))
    };
    Some(json!({
        "location": location,
        "sourceContent": [{ "text": quote }],
        "title": document.get("name"),
    }))
}

fn plain_text(source: &Value) -> String {
    match source.get("text") {
        Some(Value::String(text)) => text.clone(),
        _ => {
            let bytes = BASE64_STANDARD.decode(text(source.get("bytes")));
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        }
    }
}

/// Recording `conv-claude-78dd7128`.
fn of_results(conversation: &Conversation<'_>) -> Option<Value> {
    let (index, result) = conversation
        .messages
        .iter()
        .flat_map(|message| &message.content)
        .flat_map(search_results)
        .enumerate()
        .find(|(_, result)| citations_enabled(result))?;
    let quote = quoted_passage(text(result.pointer("/content/0/text")));
    Some(json!({
        "location": { "searchResultLocation": { "searchResultIndex": index, "start": 0, "end": 1 } },
        "source": result.get("source"),
        "sourceContent": [{ "text": quote }],
        "title": result.get("title"),
    }))
}

/// The search results in a block, which is one itself or a tool result.
fn search_results<'a>(block: &Block<'a>) -> Vec<&'a Value> {
    match block.kind {
        "searchResult" => vec![block.value],
        "toolResult" => {
            let content = block.value.get("content").and_then(Value::as_array);
            let inner = content.into_iter().flatten();
            inner
                .filter_map(|content| content.get("searchResult"))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The first sentence, truncated to the maximum length.
fn quoted_passage(text: &str) -> String {
    let sentence = text.split_inclusive(". ").next().unwrap_or_default();
    sentence.chars().take(MAX_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn citation(content: Value) -> Value {
        let request = json!({ "messages": [{ "role": "user", "content": content }] });
        let family = Family::of("anthropic.claude-sonnet-4-6");
        match part(&family, &Conversation::of(&request)) {
            Some(Part::Other(block)) => block["citationsContent"]["citations"][0].clone(),
            _ => Value::Null,
        }
    }

    #[test]
    fn each_kind_of_source_has_its_own_location() {
        let document = |format: &str, source: Value| {
            json!([
                { "document": { "format": "txt", "name": "other", "source": { "text": "x" } } },
                { "document": { "format": format, "name": "rules", "source": source,
                    "citations": { "enabled": true } } },
            ])
        };
        let result = json!([{ "toolResult": { "toolUseId": "a", "content": [{ "searchResult": {
            "source": "https://example.com/", "title": "Facts", "citations": { "enabled": true },
            "content": [{ "text": "Snow is cold. It melts." }] } }] } }]);
        for (content, location, quote) in [
            (
                document("txt", json!({ "text": "Snow is cold. It melts." })),
                json!({ "documentChar": { "documentIndex": 1, "start": 0, "end": 14 } }),
                "Snow is cold. ",
            ),
            (
                document("txt", json!({ "bytes": "U25vdy4=" })),
                json!({ "documentChar": { "documentIndex": 1, "start": 0, "end": 5 } }),
                "Snow.",
            ),
            (
                document("pdf", json!({ "bytes": "JVBERi0=" })),
                json!({ "documentPage": { "documentIndex": 1, "start": 1, "end": 2 } }),
                "The first page of the document.",
            ),
            (
                document("txt", json!({ "content": [{ "text": "Snow." }] })),
                json!({ "documentChunk": { "documentIndex": 1, "start": 0, "end": 1 } }),
                "Snow.",
            ),
            (
                result,
                json!({ "searchResultLocation": { "searchResultIndex": 0, "start": 0, "end": 1 } }),
                "Snow is cold. ",
            ),
        ] {
            let citation = citation(content);
            assert_eq!(citation["location"], location);
            assert_eq!(citation["sourceContent"][0]["text"], quote);
        }
        assert_eq!(citation(json!([{ "text": "hi" }])), Value::Null);
    }
}
