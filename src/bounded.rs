//! Bounds on text that quotes what came from outside: messages to clients, and fields of the log.

/// The longest message to a client, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The longest JSON path in an error, in bytes. A path can have keys of the client's in it.
const MAX_PATH: usize = 256;

/// How many characters of a value a message quotes.
const MAX_QUOTED: usize = 64;

/// The longest field of a log line, in bytes, where its owner has no bound of its own.
const MAX_LOGGED: usize = 1024;

/// A message to a client: what it quotes, in backticks or in other quotes, is cut to 64 characters,
/// control characters are escaped, and the whole is cut to 1 KB. What has to stay whole, such as a
/// line of the configuration that is the remedy, stands outside of quotes.
pub fn message(text: String) -> String {
    let is_plain = text.len() <= MAX_QUOTED && !text.contains(is_escaped_in_message);
    match is_plain {
        true => text,
        false => cut(shorten_quoted(&text), MAX_MESSAGE),
    }
}

/// A JSON path in an error.
pub fn path(text: String) -> String {
    match text.contains(char::is_control) {
        true => cut(escape(&text), MAX_PATH),
        false => cut(text, MAX_PATH),
    }
}

/// A field of a log line: on one line, and not at any length.
pub fn logged(text: &str) -> String {
    let start: String = text.chars().take(MAX_LOGGED).collect();
    cut(escape(&start), MAX_LOGGED)
}

/// The name of a model as the client says it, for the log: `*` where it looks like a text.
pub fn logged_name(name: &str) -> String {
    let is_name = name.len() <= MAX_PATH
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".:/_@+-".contains(c));
    if is_name { name } else { "*" }.to_owned()
}

/// A path for the log: the keys in it that are no names, and may be texts of the client's, are
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

/// Cuts what stands between quotes, which are ours around backticks and Bedrock's around others.
fn shorten_quoted(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    // Where no end was found for a kind of quote, there is none further on either.
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

/// Where the quote ends that `text` is within: an apostrophe within a word ends none.
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

/// A line of the log ends at a line feed, and a terminal follows control characters.
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
            "`role` is `{long}`, and it is `user` or `assistant`"
        ));
        let cut = "é".repeat(MAX_QUOTED);
        assert_eq!(
            text,
            format!("`role` is `{cut}…`, and it is `user` or `assistant`")
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

    /// Quotes that nothing ends, of which there may be millions, are looked at once.
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
