//! `search_result` parts, in Anthropic's format: search results that the response may cite.

use super::types::{Citations, SearchResultText};
use crate::converse::content::{CitationsConfig, SearchResultBlock, TextOnly};
use crate::error::ApiError;
use crate::reply::Adjustments;
use crate::wire::note_unknown;

/// The fields of a `search_result` part.
#[derive(Debug, Default)]
pub(in crate::dialects::openai_chat) struct SearchResultFields {
    pub(in crate::dialects::openai_chat) source: Option<String>,
    pub(in crate::dialects::openai_chat) title: Option<String>,
    pub(in crate::dialects::openai_chat) content: Option<Vec<SearchResultText>>,
    pub(in crate::dialects::openai_chat) citations: Option<Box<Citations>>,
}

/// The block of a `search_result` part at `path`.
pub(in crate::dialects::openai_chat) fn search_result(
    fields: SearchResultFields,
    path: &str,
    adjustments: &mut Adjustments,
) -> Result<SearchResultBlock, ApiError> {
    let SearchResultFields {
        source,
        title,
        content,
        citations,
    } = fields;
    let source = source.ok_or_else(|| ApiError::missing_field(path, "source"))?;
    let title = title.ok_or_else(|| ApiError::missing_field(path, "title"))?;
    let parts = content.ok_or_else(|| ApiError::missing_field(path, "content"))?;
    let mut content = Vec::with_capacity(parts.len());
    for (position, part) in parts.into_iter().enumerate() {
        let path = format!("{path}.content[{position}]");
        let SearchResultText {
            kind,
            text,
            unknown,
        } = part;
        note_unknown(adjustments, &unknown, "messages[].content[].content[].");
        if kind.is_some_and(|kind| kind != "text") {
            return Err(ApiError::invalid(
                format!("{path}.type"),
                "the content of a search result can only have parts of type `text`",
            ));
        }
        let text = text.ok_or_else(|| ApiError::missing_field(&path, "text"))?;
        if !text.trim().is_empty() {
            content.push(TextOnly { text });
        }
    }
    if content.is_empty() {
        return Err(ApiError::invalid(
            format!("{path}.content"),
            "the search result has no text; send its text or remove it",
        ));
    }
    Ok(SearchResultBlock {
        source,
        title,
        content,
        citations: citations_config(citations, adjustments),
    })
}

/// The Converse citations option of a part; `None` if `enabled` is not set.
pub(in crate::dialects::openai_chat) fn citations_config(
    citations: Option<Box<Citations>>,
    adjustments: &mut Adjustments,
) -> Option<CitationsConfig> {
    let Citations { enabled, unknown } = *citations?;
    note_unknown(adjustments, &unknown, "messages[].content[].citations.");
    enabled.map(|enabled| CitationsConfig { enabled })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(kind: Option<&str>, text: Option<&str>) -> SearchResultText {
        SearchResultText {
            kind: kind.map(str::to_owned),
            text: text.map(str::to_owned),
            unknown: Vec::new(),
        }
    }

    fn fields(content: Option<Vec<SearchResultText>>) -> SearchResultFields {
        SearchResultFields {
            source: Some("https://example.com".to_owned()),
            title: Some("A page".to_owned()),
            content,
            citations: Some(Box::new(Citations {
                enabled: Some(true),
                unknown: Vec::new(),
            })),
        }
    }

    #[test]
    fn a_search_result_keeps_its_text_parts() {
        let parts = vec![
            part(Some("text"), Some("one")),
            part(None, Some(" ")),
            part(None, Some("two")),
        ];
        let block = search_result(fields(Some(parts)), "p", &mut Adjustments::default());
        let block = block.expect("a block");
        let texts: Vec<&str> = block
            .content
            .iter()
            .map(|part| part.text.as_str())
            .collect();
        assert_eq!(texts, ["one", "two"]);
        assert_eq!(block.citations, Some(CitationsConfig { enabled: true }));
    }

    #[test]
    fn errors_name_the_missing_field() {
        for (fields, parameter) in [
            (SearchResultFields::default(), "p.source"),
            (fields(None), "p.content"),
            (fields(Some(Vec::new())), "p.content"),
            (fields(Some(vec![part(None, Some(""))])), "p.content"),
            (fields(Some(vec![part(None, None)])), "p.content[0].text"),
            (
                fields(Some(vec![part(Some("image"), Some("a"))])),
                "p.content[0].type",
            ),
        ] {
            let result = search_result(fields, "p", &mut Adjustments::default());
            let actual = result
                .err()
                .and_then(|error| error.path().map(|path| path.into_owned()));
            assert_eq!(actual.as_deref(), Some(parameter));
        }
    }
}
