//! Limits the length of text from clients and Bedrock in error messages and log fields.

use std::borrow::Cow;

/// The maximum length of a message to a client, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The maximum length of a JSON path in an error, in bytes. Paths can contain the client's keys.
const MAX_PATH: usize = 256;

/// The maximum length of a quoted value, in characters.
const MAX_QUOTED: usize = 64;

/// The maximum length of a log field without a limit of its own, in bytes.
const MAX_LOGGED: usize = 1024;

/// Limits a message to a client: quoted text, in backticks or other quotes, to 64 characters, and
/// the message to 1 KB; control characters are escaped. Text that must stay complete, such as a
/// line of configuration, must not be quoted.
pub fn message(text: String) -> String {
    let is_plain = text.len() <= MAX_QUOTED && !text.contains(is_escaped_in_message);
    match is_plain {
        true => text,
        false => cut(shorten_quoted(&text), MAX_MESSAGE),
    }
}

/// Limits a JSON path in an error.
pub fn path(text: String) -> String {
    match text.contains(char::is_control) {
        true => cut(escape(&text), MAX_PATH),
        false => cut(text, MAX_PATH),
    }
}

/// Limits a log field and escapes line breaks.
pub fn logged(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_LOGGED && !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let start: String = text.chars().take(MAX_LOGGED).collect();
    Cow::Owned(cut(escape(&start), MAX_LOGGED))
}

/// The client's model name for the log; `*` if it looks like text.
pub fn logged_name(name: &str) -> &str {
    let is_name = name.len() <= MAX_PATH
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".:/_@+-".contains(c));
    if is_name { name } else { "*" }
}

/// A JSON path for the log: keys that are not identifiers, and may be text of the client, are
/// replaced by `*`.
pub fn logged_path(path: &str) -> String {
    let is_name = |key: &str| {
        key.len() <= MAX_QUOTED
            && key.chars().all(|c| {
                c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '[' | ']' | '+')
            })
    };
    let keys = path
        .split('.')
        .map(|key| if is_name(key) { key } else { "*" });
    cut(keys.collect::<Vec<_>>().join("."), MAX_PATH)
}

/// Cuts quoted text: backticks are ours, other quotes Bedrock's.
fn shorten_quoted(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    // Without a closing quote, later quotes of this kind have none either.
    let mut without_end = Vec::new();
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        let after = rest.get(character.len_utf8()..).unwrap_or_default();
        let opens = matches!(character, '`' | '\'' | '"')
            && !before.is_alphanumeric()
            && !without_end.contains(&character);
        let end = opens.then(|| end_of_quote(after, character)).flatten();
        if opens && end.is_none() {
            without_end.push(character);
        }
        push_to_message(&mut short, character);
        before = character;
        rest = after;
        if let Some(end) = end {
            let (quoted, closing) = after.split_at(end);
            push_quoted(&mut short, quoted);
            short.push(character);
            rest = closing.get(1..).unwrap_or_default();
        }
        if short.len() > MAX_MESSAGE {
            break;
        }
    }
    short
}

/// The end of the quote that contains `text`; an apostrophe within a word is not an end.
fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    let mut ends = text.match_indices(quote).map(|(end, _)| end);
    ends.find(|end| {
        let next = text.get(end + 1..).and_then(|rest| rest.chars().next());
        !next.is_some_and(char::is_alphanumeric)
    })
}

fn push_quoted(short: &mut String, quoted: &str) {
    let cut = quoted.char_indices().nth(MAX_QUOTED).map(|(end, _)| end);
    let visible = cut.and_then(|end| quoted.get(..end)).unwrap_or(quoted);
    for character in visible.chars() {
        push_to_message(short, character);
    }
    if cut.is_some() {
        short.push('…');
    }
}

/// Escapes line feeds, which end a log line, and control characters, which terminals obey.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    escaped
}

fn push_to_message(text: &mut String, character: char) {
    match is_escaped_in_message(character) {
        true => text.extend(character.escape_default()),
        false => text.push(character),
    }
}

/// Bedrock's messages may have several lines.
fn is_escaped_in_message(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

fn cut(mut text: String, max: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() > max {
        let mut end = max - ELLIPSIS.len();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(ELLIPSIS);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_truncated_and_the_explanation_kept() {
        let long = "é".repeat(1_000_000);
        let text = message(format!(
            "`role` is `{long}`; it must be `user` or `assistant`"
        ));
        let cut = "é".repeat(MAX_QUOTED);
        assert_eq!(
            text,
            format!("`role` is `{cut}…`; it must be `user` or `assistant`")
        );
        let short = "`role` is `robot`; ".repeat(9);
        assert_eq!(message(short.clone()), short);
    }

    #[test]
    fn quotes_from_bedrock_are_truncated_too() {
        let long = "It isn't short. ".repeat(100);
        let text = message(format!(
            "Value '{long}' at 'a.b' isn't \"{long}\", it's 'x'"
        ));
        let cut: String = long.chars().take(MAX_QUOTED).collect();
        assert_eq!(
            text,
            format!("Value '{cut}…' at 'a.b' isn't \"{cut}…\", it's 'x'")
        );
        let apostrophes = "don't ".repeat(100);
        assert_eq!(message(apostrophes.clone()), apostrophes);
    }

    /// Unclosed quotes, of which there may be millions, are scanned once.
    #[test]
    fn unclosed_quotes_take_linear_time() {
        let text = message(" '\"`a".repeat(1_000_000));
        assert!(text.len() <= MAX_MESSAGE);
    }

    #[test]
    fn messages_paths_and_log_fields_have_a_maximum_length() {
        let long = "a`é\n".repeat(100_000);
        assert!(message(long.clone()).len() <= MAX_MESSAGE);
        assert!(path(long.clone()).len() <= MAX_PATH);
        assert!(logged(&long).len() <= MAX_LOGGED);
        assert!(logged_path(&long).len() <= MAX_PATH);
        assert!(message("word ".repeat(1000)).ends_with('…'));
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(message("a\u{1b}[2Jb\n".to_owned()), "a\\u{1b}[2Jb\n");
        assert_eq!(logged("a\r\nb"), "a\\r\\nb");
        assert_eq!(path("a\0".to_owned()), "a\\u{0}");
    }

    #[test]
    fn logged_paths_contain_field_names_but_no_client_text() {
        for (path, logged) in [
            ("messages[0].content[1].text", "messages[0].content[1].text"),
            ("metadata.tell me a secret", "metadata.*"),
            ("tools[0].$ref.a_b-c", "tools[0].$ref.a_b-c"),
        ] {
            assert_eq!(logged_path(path), logged);
        }
    }
}
