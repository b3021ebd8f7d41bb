//! The string literals of Rust source, with the calls around them.

use std::path::Path;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(char),
}

/// A string literal outside tests.
#[derive(Debug)]
pub struct Literal {
    pub text: String,
    /// The calls and macros around it, outermost first: `ApiError::invalid`, `note`, `format!`.
    pub calls: Vec<String>,
    /// The words of the function around it: names of types and methods.
    pub function: Vec<String>,
    /// The code of the error that is built: `.code("…")` after the outermost call.
    pub code: Option<String>,
    /// The hub's field in the first argument of `note`, by its variants: `ThinkingBudget`.
    pub field: Option<String>,
    /// The position among the arguments of the innermost call.
    pub argument: usize,
}

/// The string literals of the file, in order.
pub fn literals(file: &Path) -> Vec<Literal> {
    let source = std::fs::read_to_string(file).unwrap();
    let tokens = without_tests(tokens(&source));
    let mut literals = Vec::new();
    let mut open: Vec<(String, usize, usize)> = Vec::new();
    let mut function = (0, 0);
    for (position, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(word) if word == "fn" && position >= function.1 => {
                function = (position, end_of_item(&tokens, position));
            }
            Token::Mark('(' | '[' | '{') => open.push((called(&tokens, position), position, 0)),
            Token::Mark(')' | ']' | '}') => {
                open.pop();
            }
            Token::Mark(',') => {
                if let Some((_, _, arguments)) = open.last_mut() {
                    *arguments += 1;
                }
            }
            Token::Text(text) => {
                let words = tokens.get(function.0..function.1).unwrap_or_default();
                let words = words.iter().filter_map(|token| match token {
                    Token::Word(word) if position < function.1 => Some(word.clone()),
                    _ => None,
                });
                let error = open
                    .iter()
                    .find(|(name, ..)| name.starts_with("ApiError::"));
                let note = open.iter().find(|(name, ..)| name == "note");
                literals.push(Literal {
                    text: text.clone(),
                    field: note.and_then(|(_, position, _)| field_at(&tokens, *position + 1)),
                    calls: open.iter().map(|(name, ..)| name.clone()).collect(),
                    function: words.collect(),
                    code: error.and_then(|(_, position, _)| code_after(&tokens, *position)),
                    argument: open.last().map_or(0, |(_, _, arguments)| *arguments),
                });
            }
            _ => {}
        }
    }
    literals
}

/// The variants of the `Field` in the argument that begins at `position`.
fn field_at(tokens: &[Token], position: usize) -> Option<String> {
    let argument = tokens.get(position..)?;
    if argument.first() != Some(&Token::Word("Field".to_owned())) {
        return None;
    }
    let mut depth = 0_usize;
    let mut variants = String::new();
    for (at, token) in argument.iter().enumerate() {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth -= 1,
            Token::Mark(',') if depth == 0 => break,
            Token::Word(word) if argument.get(at + 1) != Some(&Token::Mark(':')) => {
                variants.push_str(word);
            }
            _ => {}
        }
    }
    Some(variants)
}

/// The name before the bracket at `position`: a function with its type, or a macro.
fn called(tokens: &[Token], position: usize) -> String {
    let before = |distance: usize| position.checked_sub(distance).and_then(|at| tokens.get(at));
    match (before(1), before(2), before(3), before(4)) {
        (Some(Token::Mark('!')), Some(Token::Word(name)), ..) => format!("{name}!"),
        (
            Some(Token::Word(name)),
            Some(Token::Mark(':')),
            Some(Token::Mark(':')),
            Some(Token::Word(of)),
        ) => format!("{of}::{name}"),
        (Some(Token::Word(name)), ..) => name.clone(),
        _ => String::new(),
    }
}

/// The code in `.code(ErrorCode::…)`, in the method calls after the call whose bracket opens at `position`.
fn code_after(tokens: &[Token], position: usize) -> Option<String> {
    let mut position = closing(tokens, position);
    while let [
        Token::Mark('.'),
        Token::Word(method),
        Token::Mark('('),
        argument @ ..,
    ] = tokens.get(position + 1..)?
    {
        match argument {
            [
                Token::Word(_),
                Token::Mark(':'),
                Token::Mark(':'),
                Token::Word(code),
                ..,
            ] if method == "code" => return Some(snake_case(code)),
            _ => position = closing(tokens, position + 3),
        }
    }
    None
}

/// The text of a code: `InvalidValue` is `invalid_value`.
fn snake_case(code: &str) -> String {
    let mut text = String::new();
    for character in code.chars() {
        if character.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}

/// The position of the bracket that closes the one at `position`.
fn closing(tokens: &[Token], position: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(position) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// The position after the item that begins at `position`: after its body or its semicolon.
fn end_of_item(tokens: &[Token], mut position: usize) -> usize {
    while let Some(token) = tokens.get(position) {
        match token {
            Token::Mark('{') => return closing(tokens, position) + 1,
            Token::Mark(';') => return position + 1,
            Token::Mark('(' | '[') => position = closing(tokens, position) + 1,
            _ => position += 1,
        }
    }
    position
}

/// Removes items with `#[cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let word = |word: &str| Token::Word(word.to_owned());
    let attribute = [
        Token::Mark('#'),
        Token::Mark('['),
        word("cfg"),
        Token::Mark('('),
        word("test"),
        Token::Mark(')'),
        Token::Mark(']'),
    ];
    let mut kept = Vec::new();
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        match tokens[position..].starts_with(&attribute) {
            true => position = end_of_item(&tokens, position + attribute.len()),
            false => {
                kept.push(token.clone());
                position += 1;
            }
        }
    }
    kept
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let end = match next {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => {
                let end = end_of_text(rest);
                tokens.push(Token::Text(unescaped(&rest[1..end - 1])));
                end
            }
            'r' | 'b' if raw_prefix(rest).is_some() => {
                let (start, close) = raw_prefix(rest).unwrap();
                let length = rest[start..].find(&close).unwrap();
                tokens.push(Token::Text(rest[start..start + length].to_owned()));
                start + length + close.len()
            }
            '\'' => end_of_character(rest),
            _ if next.is_alphanumeric() || next == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
            _ => {
                if !next.is_whitespace() {
                    tokens.push(Token::Mark(next));
                }
                next.len_utf8()
            }
        };
        rest = &rest[end..];
    }
    tokens
}

/// The length of the literal that `rest` begins with, with its quotes.
fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (position, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return position + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The start of the text of a raw literal, and what closes it.
fn raw_prefix(rest: &str) -> Option<(usize, String)> {
    let letters = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = letters.len() - letters.trim_start_matches('#').len();
    letters[hashes..].strip_prefix('"')?;
    let start = rest.len() - letters.len() + hashes + 1;
    Some((start, format!("\"{}", "#".repeat(hashes))))
}

/// A character literal, or the quote of a lifetime.
fn end_of_character(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match characters.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(rest.len(), |end| end + 4),
        _ => match characters.next() {
            Some((position, '\'')) => position + 1,
            _ => 1,
        },
    }
}

/// The text of a literal on one line.
fn unescaped(literal: &str) -> String {
    let mut text = String::new();
    let mut characters = literal.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') => while characters.next_if(|next| next.is_whitespace()).is_some() {},
                Some('n') => text.push(' '),
                Some(escaped) => text.push(escaped),
                None => {}
            },
            '\n' => text.push(' '),
            other => text.push(other),
        }
    }
    text
}
