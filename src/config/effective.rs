//! The effective configuration for operators: defaults, file and environment as one JSON object
//! without secrets.

use serde_json::Value as Json;
use toml::{Table, Value};

use super::load::Overrides;

/// Every option with its default; a test compares it with the code.
const DEFAULTS: &str = include_str!("../../outcrop.example.toml");

/// What stands for a secret.
const MASK: &str = "***";

/// The configuration of a file with this `text` under `overrides`.
pub(super) fn effective(text: &str, overrides: &Overrides) -> Json {
    let mut table: Table = DEFAULTS.parse().unwrap_or_default();
    merge(&mut table, text.parse().unwrap_or_default());
    let mut set = |section: &str, name: &str, value: &Option<String>| {
        if let Some(text) = value.as_deref().filter(|text| !text.is_empty()) {
            let section = table.entry(section).or_insert(Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(name.to_owned(), Value::String(text.to_owned()));
            }
        }
    };
    set("server", "listen", &overrides.listen);
    set("admin", "listen", &overrides.admin_listen);
    set("admin", "token", &overrides.admin_token);
    let keys = overrides.api_keys.as_deref().unwrap_or_default();
    let keys = keys.split(',').filter(|key| !key.trim().is_empty());
    for (number, key) in (1..).zip(keys) {
        set("keys", &format!("key-{number}"), &Some(key.to_owned()));
    }
    mask(&mut table, false);
    serde_json::to_value(table).unwrap_or_default()
}

/// Sets what `above` has in `table`, section by section.
fn merge(table: &mut Table, above: Table) {
    for (name, value) in above {
        match (table.get_mut(&name), value) {
            (Some(Value::Table(section)), Value::Table(above)) => merge(section, above),
            (_, value) => {
                table.insert(name, value);
            }
        }
    }
}

/// Replaces secrets. The names of environment variables stay, and the keys of `[keys]` are secrets
/// whatever their names.
fn mask(table: &mut Table, is_keys: bool) {
    for (name, value) in table {
        match value {
            Value::Table(section) => mask(section, name == "keys"),
            Value::Array(entries) => entries.iter_mut().for_each(|entry| match entry {
                Value::Table(table) => mask(table, false),
                Value::String(text) if is_secret(name) => mask_text(text),
                _ => {}
            }),
            Value::String(text) if is_keys || is_secret(name) => mask_text(text),
            _ => {}
        }
    }
}

fn mask_text(text: &mut String) {
    if !text.is_empty() && !text.starts_with("env:") {
        *text = MASK.to_owned();
    }
}

/// Whether options with this name are secrets: one name too many hides an option, one too few shows
/// a secret.
fn is_secret(name: &str) -> bool {
    let words = ["secret", "token", "password", "credential"];
    let is_key = name == "key" || name.ends_with("_key") || name.ends_with("_keys");
    is_key || words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_above_the_defaults_and_the_environment_above_the_file() {
        let overrides = Overrides {
            listen: Some("127.0.0.1:9000".to_owned()),
            ..Overrides::default()
        };
        let text =
            "[server]\nlisten = \"127.0.0.1:1\"\ndrain_delay = \"9s\"\n[models]\na = \"b.c\"";
        let json = effective(text, &overrides);
        assert_eq!(json["server"]["listen"], "127.0.0.1:9000");
        assert_eq!(json["server"]["drain_delay"], "9s");
        assert_eq!(json["server"]["grace_period"], "30s");
        assert_eq!(json["models"]["a"], "b.c");
    }

    #[test]
    fn no_secret_is_shown() {
        let text = "[keys]\na = \"sk-hidden-1\"\nb = \"env:B_KEY\"\n\
                    [keys.c]\nkey = \"sk-hidden-2\"\nteam = \"search\"\n\
                    access_key_id = \"OUTCROPTEAMC0001\"\nsecret_access_key = \"hidden-3\"\n\
                    [admin]\ntoken = \"hidden-4\"\nmetrics_token = \"sha256:hidden-5\"\n\
                    [responses]\nseal_keys = [\"hidden-10\", \"env:SEAL_KEY\"]\n\
                    [[lists]]\nsigning_secret = \"hidden-6\"";
        let overrides = Overrides {
            api_keys: Some("sk-hidden-7,sk-hidden-8".to_owned()),
            admin_token: Some("hidden-9".to_owned()),
            ..Overrides::default()
        };
        let json = effective(text, &overrides);
        assert!(!json.to_string().contains("hidden"), "{json}");
        assert_eq!(json["keys"]["a"], MASK);
        assert_eq!(json["keys"]["b"], "env:B_KEY");
        assert_eq!(json["keys"]["c"]["team"], "search");
        assert_eq!(json["keys"]["key-2"], MASK);
        assert_eq!(json["admin"]["token"], MASK);
        assert_eq!(json["responses"]["seal_keys"][1], "env:SEAL_KEY");
        assert_eq!(json["chat"]["max_n"], 8);
    }
}
