//! Every message that a client or an operator can receive, collected from the source and listed in
//! the documentation, so that its prose can be reviewed in one place.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration messages` updates the tables.

mod source;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use outcrop::dialects::openai_chat::ChatFieldNames;
use outcrop::error::{Field, FieldNames};

use crate::compatibility::page::Page;
use crate::harness::fields::all_fields;
use crate::layers::sources;
use source::{Literal, literals};

/// What a literal is for, by the calls around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Error,
    Adjustment,
    Configuration,
}

/// Folders and files whose texts are neither errors nor notes.
const NOT_FOR_CLIENTS: &[&str] = &[
    "src/commands",
    "src/config/reference",
    "src/main.rs",
    "src/telemetry",
];

/// Files whose texts become errors elsewhere.
const ERROR_SOURCES: &[&str] = &[
    "src/server/pages/hints.rs",
    "src/server/pages/unknown.rs",
    "src/error.rs",
    "src/fetch",
    "src/identity/jwt/error.rs",
    "src/converse/media/data_url.rs",
    "src/batches/worker/finish.rs",
    "src/catalog/names.rs",
    "src/endpoints/images/bodies/mask.rs",
];

/// Files whose texts become notes elsewhere, unless their function builds an error.
const NOTE_SOURCES: &[&str] = &[
    "src/converse/rules/schema/fit.rs",
    "src/converse/rules/property_keys/rename.rs",
    "src/dialects/openai_responses/request/items/mod.rs",
    "src/dialects/openai_responses/request/items/turn.rs",
    "src/endpoints/token_count/service.rs",
];

/// Files whose texts are about the configuration and the files that it names.
const CONFIGURATION_SOURCES: &[&str] = &[
    "src/config",
    "src/models/capabilities/image.rs",
    "src/models/capabilities/mod.rs",
    "src/models/id.rs",
    "src/models/prices/file.rs",
    "src/models/prices/table.rs",
    "src/models/table.rs",
];

/// Macros and methods whose texts are for developers or the log, or only compared.
const INTERNAL: &[&str] = &[
    "assert!",
    "contains",
    "debug!",
    "debug_assert!",
    "error!",
    "expect",
    "info!",
    "panic!",
    "query",
    "query_as",
    "query_scalar",
    "trace!",
    "unreachable!",
    "warn!",
];

#[test]
fn the_listed_sources_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lists = [
        NOT_FOR_CLIENTS,
        ERROR_SOURCES,
        NOTE_SOURCES,
        CONFIGURATION_SOURCES,
    ];
    for path in lists.into_iter().flatten() {
        assert!(root.join(path).exists(), "{path}");
    }
}

#[test]
fn the_documented_messages_match_the_source() {
    let messages = messages();
    Page::at("docs/errors.md")
        .table("messages", &table(&messages, Use::Error))
        .table("configuration", &table(&messages, Use::Configuration))
        .compare();
    Page::read("adjustments")
        .table("adjustments", &table(&messages, Use::Adjustment))
        .compare();
}

/// The message, the code of the error or the field of the note, and the file.
type Message = (Use, PathBuf, String, String);

fn messages() -> BTreeSet<Message> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut messages = BTreeSet::new();
    for file in sources(&root.join("src")) {
        let path = file.strip_prefix(root).unwrap().to_owned();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        let is_internal = NOT_FOR_CLIENTS
            .iter()
            .any(|prefix| path.starts_with(prefix));
        if is_test || is_internal {
            continue;
        }
        let mut field = String::new();
        let literals = literals(&file);
        let word_lists = word_lists(&literals).into_iter();
        messages.extend(word_lists.map(|text| {
            let code = "invalid_value".to_owned();
            (Use::Error, path.clone(), text, code)
        }));
        for literal in literals {
            if is_of_words(&literal) {
                continue;
            }
            let in_note = called(&literal, "note");
            if in_note && literal.argument == 0 && !is_prose(&literal.text) {
                field = literal.text;
                continue;
            }
            if let Some(named) = &literal.field {
                field = chat_path(named);
            }
            let Some(kind) = kind_of(&literal, &path) else {
                continue;
            };
            let subject = match kind {
                Use::Error => code_of(&literal),
                Use::Adjustment if in_note => std::mem::take(&mut field),
                Use::Adjustment | Use::Configuration => String::new(),
            };
            let text = match () {
                () if called(&literal, "Sentence::about") => format!("`{{field}}`{}", literal.text),
                () if called(&literal, "Sentence::around") => {
                    format!("{}`{{field}}`", literal.text)
                }
                () => literal.text,
            };
            messages.insert((kind, path.clone(), text, subject));
        }
    }
    messages
}

/// Whether the literal is the noun or a word of `Words`, or of the error that it builds.
fn is_of_words(literal: &Literal) -> bool {
    let is_parameter = literal
        .calls
        .last()
        .is_some_and(|call| call == "unknown_word");
    let is_parameter = is_parameter && literal.argument == 0;
    !is_parameter && (called(literal, "Words::new") || called(literal, "unknown_word"))
}

/// The messages about words that a field does not accept: each list of words begins with a noun.
fn word_lists(literals: &[Literal]) -> Vec<String> {
    let mut lists: Vec<(&str, Vec<String>)> = Vec::new();
    for literal in literals.iter().filter(|literal| is_of_words(literal)) {
        match lists.last_mut() {
            _ if literal.text.starts_with("a ") || literal.text.starts_with("an ") => {
                lists.push((&literal.text, Vec::new()));
            }
            Some((_, words)) => {
                words.push(format!("`{}`", literal.text));
            }
            _ => {}
        }
    }
    let text = |(noun, mut words): (&str, Vec<String>)| {
        let last = words.pop().unwrap_or_else(|| "{words}".to_owned());
        let words = match words.is_empty() {
            true => last,
            false => format!("{} or {last}", words.join(", ")),
        };
        format!("`{{word}}` is not {noun}; use {words}")
    };
    lists.into_iter().map(text).collect()
}

/// The path in chat completions of the field with these variants.
fn chat_path(variants: &str) -> String {
    let variants = variants
        .replace("any_message", "MessageAny")
        .replace("any_tool", "ToolAny");
    let fields = all_fields(0);
    let is_named = |field: &&Field| {
        let debug = format!("{field:?}").replace(['(', ')', ',', ' '], "");
        debug == variants
    };
    let field = fields.iter().find(is_named);
    field.map_or_else(String::new, |field| ChatFieldNames.path(field))
}

fn called(literal: &Literal, name: &str) -> bool {
    literal.calls.iter().any(|call| call == name)
}

fn kind_of(literal: &Literal, path: &Path) -> Option<Use> {
    if INTERNAL.iter().any(|name| called(literal, name)) {
        return None;
    }
    let builds_error = literal
        .calls
        .iter()
        .any(|call| call.starts_with("ApiError::"));
    let is_in = |sources: &[&str]| sources.iter().any(|prefix| path.starts_with(prefix));
    let mentions = |name: &str| literal.function.iter().any(|word| word == name);
    match () {
        () if called(literal, "note") && literal.text.contains(' ') => Some(Use::Adjustment),
        () if !is_prose(&literal.text) => None,
        () if builds_error => Some(Use::Error),
        () if is_in(CONFIGURATION_SOURCES) => Some(Use::Configuration),
        () if mentions("ApiError") || is_in(ERROR_SOURCES) => Some(Use::Error),
        // What a JSON value is expected to be.
        () if called(literal, "write_str") => Some(Use::Error),
        () if is_sentence(&literal.text) => None,
        () if mentions("note") || mentions("Adjustments") || is_in(NOTE_SOURCES) => {
            Some(Use::Adjustment)
        }
        () => None,
    }
}

/// Whether the text has two words in a row or more: not a name, a path or a format.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_lowercase()) && word.len() > 1;
    let words = text
        .split(' ')
        .map(|word| word.trim_end_matches([',', ';', '.', ':']));
    words.filter(|word| is_word(word)).count() > 1
}

/// Whether the text is a sentence or a part of one, as instructions to models are. Notes are
/// fragments.
fn is_sentence(text: &str) -> bool {
    text.starts_with(|c: char| c.is_uppercase() || c == ' ') || text.starts_with("{prefix}")
}

/// The code that the constructor sets, unless the caller sets another.
fn code_of(literal: &Literal) -> String {
    let constructor = |name: &str| called(literal, &format!("ApiError::{name}"));
    let default = [
        ("invalid", "invalid_value"),
        ("unsupported", "unsupported_parameter"),
        ("unsupported_value", "unsupported_value"),
        ("missing", "missing_required_parameter"),
    ];
    let default = default.iter().find(|(name, _)| constructor(name));
    let code = literal.code.clone();
    code.unwrap_or_else(|| default.map_or(String::new(), |(_, code)| (*code).to_owned()))
}

fn table(messages: &BTreeSet<Message>, kind: Use) -> Vec<String> {
    let head = match kind {
        Use::Error => "| message | code | source |",
        Use::Adjustment => "| note | field | source |",
        Use::Configuration => "| problem or remedy | | source |",
    };
    let mut lines = vec![head.to_owned(), "| --- | --- | --- |".to_owned()];
    for (_, path, text, subject) in messages.iter().filter(|message| message.0 == kind) {
        let text = text.replace('|', "\\|").replace('<', "&lt;");
        let subject = match subject.as_str() {
            "" => String::new(),
            subject => format!("`{subject}` "),
        };
        let source = path.strip_prefix("src").unwrap().display();
        lines.push(format!("| {text} | {subject}| {source} |"));
    }
    lines
}
