use std::collections::BTreeSet;
use std::path::Path;

use super::super::Config;
use super::super::load::read;
use super::super::reader::Mistakes;
use super::table::SECTIONS;
use super::{SectionReference, SettingKind, SettingValue, render};

/// Sections whose names the operator chooses, each with a key that no reader reads.
const NAMED: &str = "[keys.NAME]\nunread = 1\n[models.NAME]\nunread = 1\n\
                     [guardrails.NAME]\nunread = 1\n[teams.NAME]\nunread = 1\n[jwt.NAME]\nunread = 1\n";

#[test]
fn the_example_configuration_is_generated_from_the_table() {
    compare("outcrop.example.toml", &render::example_file());
}

#[test]
fn the_configuration_page_is_generated_from_the_table() {
    compare("docs/configuration.md", &render::page());
}

fn compare(file: &str, rendered: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, rendered).expect("the file is written");
        return;
    }
    let text = std::fs::read_to_string(&path).expect("the file is there");
    for (actual, expected) in text.lines().zip(rendered.lines()) {
        assert_eq!(actual, expected, "{file} differs from the table");
    }
    assert!(text == rendered, "{file} differs from the table in length");
}

#[test]
fn the_table_has_exactly_the_keys_that_are_read() {
    let (_, mut read_keys) = read(toml::Table::new(), &mut Mistakes::default());
    for section in [
        "keys.NAME",
        "models.NAME",
        "guardrails.NAME",
        "teams.NAME",
        "jwt.NAME",
    ] {
        // The message about an unknown key lists those that the section has.
        let message = mistake(NAMED, &format!("{section}.unread"));
        let (_, names) = message.split_once("write one of ").expect("a list of keys");
        let names = names.split(", ").map(|name| name.trim_matches('`'));
        read_keys.extend(names.map(|name| format!("{section}.{name}")));
    }
    let described: BTreeSet<String> = described()
        .filter(|(_, key)| !matches!(key.kind, SettingKind::Entry))
        .map(|(section, key)| format!("{}.{}", section.name, key.name))
        .collect();
    assert_eq!(described, read_keys);
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_code() {
    let mut mistakes = Mistakes::default();
    let table = render::example_file().parse().expect("TOML");
    let (config, _) = read(table, &mut mistakes);
    assert_eq!(mistakes, Mistakes::default());
    assert_eq!(config, Config::default());
}

#[test]
fn the_commented_examples_are_read_without_mistakes() {
    let mut text = String::new();
    for section in SECTIONS {
        let examples = section.all_keys().filter_map(|key| match key.value {
            SettingValue::Example(lines, _) => Some(lines.join("\n")),
            SettingValue::Default(_) => None,
        });
        let examples: Vec<String> = examples.collect();
        let header = section.example.unwrap_or(section.name);
        text.push_str(&format!("[{header}]\n{}\n", examples.join("\n")));
    }
    // The variables of the example are not set.
    let text = text.replace("env:", "a-secret-of-more-than-32-characters-");
    let mut mistakes = Mistakes::default();
    read(text.parse().expect("TOML"), &mut mistakes);
    assert_eq!(mistakes, Mistakes::default());
}

#[test]
fn the_types_of_the_table_are_those_of_the_readers() {
    for (section, key) in described() {
        let path = format!("{}.{}", section.name, key.name);
        // The remedy in the message names the type that the reader takes.
        let remedy = |value: &str| {
            let text = format!("[{}]\n{} = {value}", section.name, key.name);
            mistake(&text, &path)
        };
        match key.kind {
            SettingKind::Boolean => assert_contains(&remedy("{}"), "write true or false"),
            SettingKind::Integer(range) => {
                assert_contains(&remedy("{}"), &format!("write a whole number {range}"));
            }
            SettingKind::Number => {
                let message = remedy("{}");
                let is_number =
                    message.contains("write a number") || message.contains("write a score");
                assert!(is_number, "{message}");
            }
            SettingKind::Duration => assert_contains(&remedy("\"?\""), "write a duration"),
            SettingKind::Size => assert_contains(&remedy("\"?\""), "write a size"),
            SettingKind::Text => assert_contains(&remedy("{}"), "write it as a string"),
            SettingKind::OneOf(words) => {
                let message = remedy("\"?\"");
                for word in words {
                    assert_contains(&message, word);
                }
            }
            SettingKind::Texts => assert_contains(&remedy("{}"), "write it as a list"),
            SettingKind::Ports => assert_contains(&remedy("[\"?\"]"), "write a port"),
            SettingKind::Budgets => assert_contains(&remedy("[1]"), "usd = "),
            SettingKind::Instant => assert_contains(&remedy("{}"), "write a date"),
            SettingKind::Table => assert_contains(&remedy("1"), "write it as `{"),
            SettingKind::Tags => assert_contains(&remedy("1"), "write at most"),
            SettingKind::Subsection => assert_contains(&remedy("1"), "write it as a section"),
            SettingKind::Entry => {}
        }
    }
}

fn assert_contains(message: &str, part: &str) {
    assert!(message.contains(part), "{part}\nis not in\n{message}");
}

fn described() -> impl Iterator<Item = (&'static SectionReference, &'static super::KeyReference)> {
    let keys = |section: &'static SectionReference| {
        let keys = section.all_keys();
        keys.map(move |key| (section, key))
    };
    SECTIONS.iter().flat_map(keys)
}

/// The mistake about the key at `path`, if `text` is read.
fn mistake(text: &str, path: &str) -> String {
    let mistakes = mistakes(text);
    let found = mistakes.iter().find(|mistake| {
        mistake
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with(':'))
    });
    match found {
        Some(mistake) => mistake.clone(),
        None => panic!("no mistake at `{path}`: {mistakes:?}"),
    }
}

fn mistakes(text: &str) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    read(text.parse().expect("TOML"), &mut mistakes);
    let text = mistakes.to_string();
    text.lines()
        .map(|line| line.trim_start().to_owned())
        .collect()
}
