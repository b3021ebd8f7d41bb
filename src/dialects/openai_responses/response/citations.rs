//! The sources of text, as annotations.

use serde::{Deserialize, Serialize};

use super::json_of;
use crate::converse::JsonText;
use crate::converse::output::Span;
use crate::converse::response::{Citation, WebSource};

#[derive(Serialize)]
struct UrlCitation<'a> {
    r#type: &'static str,
    url: &'a str,
    title: &'a str,
    start_index: usize,
    end_index: usize,
}

#[derive(Serialize)]
struct FileCitation<'a> {
    r#type: &'static str,
    file_id: &'a str,
    filename: &'a str,
    index: usize,
}

/// The annotation for `citation`, whose text is at `span` of its part.
pub(super) fn annotation(citation: &Citation, span: Span) -> JsonText {
    if let Some(WebSource { url, title }) = citation.web_source() {
        return json_of(&UrlCitation {
            r#type: "url_citation",
            url: &url,
            title: if title.is_empty() { &url } else { &title },
            start_index: span.start,
            end_index: span.end,
        });
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Document {
        title: Option<String>,
        source: Option<String>,
    }
    let Document { title, source } = serde_json::from_str(citation.0.as_str()).unwrap_or_default();
    let name = title.or(source).unwrap_or_default();
    json_of(&FileCitation {
        r#type: "file_citation",
        // The document is known by its name: it has no id.
        file_id: &name,
        filename: &name,
        index: span.end,
    })
}
