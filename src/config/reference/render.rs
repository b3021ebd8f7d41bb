//! The table as an example configuration and as a page of documentation.

use std::fmt::Write as _;

use super::table::{SECTIONS, SOURCES};
use super::{KeyReference, Kind, SectionReference, Value};

const WIDTH: usize = 100;

/// The text of `outcrop.example.toml`.
pub(super) fn example_file() -> String {
    let mut text = String::new();
    let intro = "Every option of Outcrop with its default and its meaning. All of them are \
                 optional: with AWS credentials and a region in the environment, no file is needed.";
    comment(&mut text, intro);
    text.push_str("#\n");
    comment(&mut text, SOURCES);
    text.push_str("#\n");
    let generated = "This file and docs/configuration.md are generated from src/config/reference.";
    comment(&mut text, generated);
    for section in SECTIONS {
        text.push('\n');
        comment(&mut text, section.meaning);
        match section.example {
            Some(name) => line(&mut text, &format!("# [{name}]")),
            None => line(&mut text, &format!("[{}]", section.name)),
        }
        let mut previous = "";
        for key in section.keys {
            // Consecutive keys that refer to another section share one comment.
            if key.meaning != previous {
                comment(&mut text, &environment_sentence(key));
            }
            previous = key.meaning;
            match key.value {
                Value::Default(default) => line(&mut text, &format!("{} = {default}", key.name)),
                Value::Example(lines, _) => {
                    for example in lines {
                        line(&mut text, &format!("# {example}"));
                    }
                }
            }
        }
    }
    text
}

/// The text of `docs/configuration.md`.
pub(super) fn page() -> String {
    let mut text = String::from("# Configuration\n\n");
    paragraph(
        &mut text,
        "This page and [outcrop.example.toml](../outcrop.example.toml) are generated from the same \
         table, `src/config/reference/table.rs`; a test compares the table with the code that reads \
         the configuration. Every option is optional: with AWS credentials and a region in the \
         environment, no file is needed. `outcrop check` reports every mistake in a file.",
    );
    paragraph(&mut text, SOURCES);
    let environment = [
        ("`--config`, `OUTCROP_CONFIG`", "The configuration file."),
        (
            "`--listen`, `OUTCROP_LISTEN`",
            "The same as `[server] listen`.",
        ),
        (
            "`OUTCROP_API_KEYS`",
            "API keys, separated by commas, in addition to `[keys]`. Their callers are named \
             `key-1`, `key-2` and so on.",
        ),
        (
            "`AWS_*`",
            "Credentials, region, profile and endpoints, as in every AWS SDK. \
             `AWS_BEARER_TOKEN_BEDROCK` is a Bedrock API key.",
        ),
        (
            "`RUST_LOG`",
            "Replaces `[log] level`, with the directives of the `tracing-subscriber` crate.",
        ),
        (
            "`NO_COLOR`",
            "Switches off colors of the log on a terminal.",
        ),
    ];
    text.push_str("| Flag or environment variable | Meaning |\n| --- | --- |\n");
    for (name, meaning) in environment {
        line(&mut text, &format!("| {name} | {meaning} |"));
    }
    for section in SECTIONS {
        let _ = write!(text, "\n## `[{}]`\n\n", section.name);
        paragraph(&mut text, section.meaning);
        keys(&mut text, section);
    }
    text
}

fn keys(text: &mut String, section: &SectionReference) {
    text.push_str("| Key | Type | Default | Flag, environment | Meaning |\n");
    text.push_str("| --- | --- | --- | --- | --- |\n");
    for key in section.keys {
        let default = match key.value {
            Value::Default(default) => format!("`{default}`"),
            Value::Example(_, default) => default.to_owned(),
        };
        let meaning = key.meaning.replace('|', "\\|");
        let (name, kind, environment) = (key.name, kind(&key.kind), key.environment);
        line(
            text,
            &format!("| `{name}` | {kind} | {default} | {environment} | {meaning} |"),
        );
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Boolean => "boolean".to_owned(),
        Kind::Integer(range) => format!("integer, {range}"),
        Kind::Number => "number".to_owned(),
        Kind::Duration => "duration".to_owned(),
        Kind::Size => "size".to_owned(),
        Kind::Text => "string".to_owned(),
        Kind::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(", ")
        }
        Kind::Texts => "list of strings".to_owned(),
        Kind::Ports => "list of ports".to_owned(),
        Kind::Entry => "string or section".to_owned(),
    }
}

fn environment_sentence(key: &KeyReference) -> String {
    match key.environment {
        "" => key.meaning.to_owned(),
        environment => format!("{} Also: {}.", key.meaning, environment.replace('`', "")),
    }
}

/// Comment lines of at most [`WIDTH`] columns.
fn comment(text: &mut String, sentences: &str) {
    let mut current = String::from("#");
    for word in sentences.split_whitespace() {
        if current.len() + 1 + word.len() > WIDTH {
            line(text, &current);
            current = String::from("#");
        }
        current.push(' ');
        current.push_str(word);
    }
    line(text, &current);
}

fn paragraph(text: &mut String, sentences: &str) {
    let mut current = String::new();
    for word in sentences.split_whitespace() {
        if !current.is_empty() && current.len() + 1 + word.len() > WIDTH {
            line(text, &current);
            current.clear();
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(word);
    }
    line(text, &current);
    text.push('\n');
}

fn line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
