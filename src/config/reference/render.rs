//! The table as an example configuration and as a page of documentation.

use std::fmt::Write as _;

use super::table::{SECTIONS, SOURCES};
use super::{KeyReference, SectionReference, SettingKind, SettingValue};

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
        for key in section.all_keys() {
            // Consecutive keys that refer to another section share one comment.
            if key.meaning != previous {
                comment(&mut text, &environment_sentence(key));
            }
            previous = key.meaning;
            match key.value {
                SettingValue::Default(default) => {
                    line(&mut text, &format!("{} = {default}", key.name))
                }
                SettingValue::Example(lines, _) => {
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
         table, `src/config/reference/table`; a test compares the table with the code that reads \
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
    for key in section.all_keys() {
        let default = match key.value {
            SettingValue::Default(default) => format!("`{default}`"),
            SettingValue::Example(_, default) => default.to_owned(),
        };
        let meaning = key.meaning.replace('|', "\\|");
        let (name, kind, environment) = (key.name, kind(&key.kind), key.environment);
        line(
            text,
            &format!("| `{name}` | {kind} | {default} | {environment} | {meaning} |"),
        );
    }
}

fn kind(kind: &SettingKind) -> String {
    match kind {
        SettingKind::Boolean => "boolean".to_owned(),
        SettingKind::Integer(range) => format!("integer, {range}"),
        SettingKind::Number => "number".to_owned(),
        SettingKind::Duration => "duration".to_owned(),
        SettingKind::Size => "size".to_owned(),
        SettingKind::Text => "string".to_owned(),
        SettingKind::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(", ")
        }
        SettingKind::Texts => "list of strings".to_owned(),
        SettingKind::Budgets => "list of budgets".to_owned(),
        SettingKind::Instant => "date or time".to_owned(),
        SettingKind::Tags | SettingKind::Table => "table of strings".to_owned(),
        SettingKind::Subsection => "section".to_owned(),
        SettingKind::Ports => "list of ports".to_owned(),
        SettingKind::Entry => "string or section".to_owned(),
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
