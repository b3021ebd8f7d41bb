//! Reads TOML key by key and collects all mistakes.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use strsim::levenshtein;
use toml::{Table, Value};

/// All mistakes in a configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mistakes {
    mistakes: Vec<String>,
    /// The file that was read.
    file: Option<PathBuf>,
}

impl Mistakes {
    /// Adds a mistake at `key_path`: the problem, and the remedy.
    pub fn add(&mut self, key_path: &str, problem: impl fmt::Display, remedy: &str) {
        self.mistakes
            .push(format!("{key_path}: {problem}; {remedy}"));
    }

    /// Names the file in the message.
    pub(super) fn read_from(&mut self, file: Option<PathBuf>) {
        self.file = file;
    }

    /// Whether the configuration has no mistakes.
    pub fn is_empty(&self) -> bool {
        self.mistakes.is_empty()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.mistakes.len();
        let noun = if count == 1 { "mistake" } else { "mistakes" };
        write!(formatter, "{count} {noun} in the configuration")?;
        if let Some(file) = &self.file {
            write!(formatter, " {}", file.display())?;
        }
        formatter.write_str(":")?;
        for mistake in &self.mistakes {
            write!(formatter, "\n  {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// One table of the file. Keys are removed as they are read; the rest is unknown at the end.
#[derive(Debug)]
pub(super) struct Section<'a> {
    path: String,
    table: Table,
    known_keys: BTreeSet<String>,
    mistakes: &'a mut Mistakes,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(super) fn root(table: Table, mistakes: &'a mut Mistakes) -> Self {
        Self {
            path: String::new(),
            table,
            known_keys: BTreeSet::new(),
            mistakes,
        }
    }

    /// The table `name` of this one, or an empty one.
    pub(super) fn section(&mut self, name: &str) -> Section<'_> {
        let key_path = self.key_path(name);
        let table = match self.take(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                self.mistakes.add(
                    &key_path,
                    display(&other),
                    &format!("write it as a section, `[{key_path}]`"),
                );
                Table::new()
            }
        };
        Section {
            path: key_path,
            table,
            known_keys: BTreeSet::new(),
            mistakes: self.mistakes,
        }
    }

    /// All remaining entries, for sections whose keys the operator chooses.
    pub(super) fn entries(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.table).into_iter().collect()
    }

    /// Whether the key `name` is set.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Reads the table `name`, whose keys the operator chooses, entry by entry; each must be a
    /// section.
    pub(super) fn named_sections(&mut self, name: &str, read: impl FnMut(&str, &mut Section<'_>)) {
        let mut section = self.section(name);
        section.each_section(read);
        section.finish();
    }

    /// Reads all remaining entries, each of which must be a section.
    pub(super) fn each_section(&mut self, mut read: impl FnMut(&str, &mut Section<'_>)) {
        for name in self.table.keys().cloned().collect::<Vec<_>>() {
            let mut section = self.section(&name);
            read(&name, &mut section);
            section.finish();
        }
    }

    /// Adds a mistake at the name of this section, which the operator chose.
    pub(super) fn misnamed(&mut self, remedy: &str) {
        self.mistakes.add(&self.path, "not a valid name", remedy);
    }

    /// Adds a mistake at the key `name`.
    pub(super) fn mistake(&mut self, name: &str, problem: impl fmt::Display, remedy: &str) {
        let key_path = self.key_path(name);
        self.mistakes.add(&key_path, problem, remedy);
    }

    /// A string, parsed by `read`, whose error is the remedy.
    pub(super) fn text<T>(
        &mut self,
        name: &str,
        field: &mut T,
        read: impl Fn(&str) -> Result<T, String>,
    ) {
        match self.take(name) {
            None => {}
            Some(Value::String(text)) => match read(&text) {
                Ok(value) => *field = value,
                Err(remedy) => self.mistake(name, format!("`{text}`"), &remedy),
            },
            Some(other) => self.mistake(name, display(&other), "write it as a string in quotes"),
        }
    }

    /// A value of any type, parsed by `read`, whose error is the remedy.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        field: &mut T,
        read: impl Fn(&Value) -> Result<T, String>,
    ) {
        let Some(value) = self.take(name) else {
            return;
        };
        match read(&value) {
            Ok(value) => *field = value,
            Err(remedy) => self.mistake(name, display(&value), &remedy),
        }
    }

    /// A value that error messages must not contain.
    pub(super) fn secret(&mut self, name: &str, field: &mut Value) {
        if let Some(value) = self.take(name) {
            *field = value;
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, name: &str, field: &mut bool) {
        match self.take(name) {
            None => {}
            Some(Value::Boolean(value)) => *field = value,
            Some(other) => self.mistake(name, display(&other), "write true or false"),
        }
    }

    /// `true` or `false`, without a default.
    pub(super) fn optional_flag(&mut self, name: &str, field: &mut Option<bool>) {
        let mut value = false;
        if self.table.contains_key(name) {
            self.flag(name, &mut value);
            *field = Some(value);
        }
        self.known_keys.insert(name.to_owned());
    }

    /// A number of days; 0 for ever.
    pub(super) fn days(&mut self, name: &str, field: &mut Option<u32>) {
        let mut days = field.unwrap_or_default();
        self.integer(name, &mut days, 0..=36_500);
        *field = (days > 0).then_some(days);
    }

    /// A section for `table`, under a key that the operator chose.
    pub(super) fn of_table(&mut self, name: &str, table: Table) -> Section<'_> {
        Section {
            path: self.key_path(name),
            table,
            known_keys: BTreeSet::new(),
            mistakes: self.mistakes,
        }
    }

    /// A size in bytes; `0` is allowed.
    pub(super) fn bytes_or_none(&mut self, name: &str, field: &mut usize) {
        match self.table.get(name) {
            Some(Value::Integer(0)) => {
                self.take(name);
                *field = 0;
            }
            _ => self.bytes(name, field),
        }
    }

    /// A list whose entries are parsed by `read`, whose error is the remedy.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        field: &mut Vec<T>,
        read: impl Fn(&Value) -> Result<T, String>,
    ) {
        let entries = match self.take(name) {
            None => return,
            Some(Value::Array(entries)) => entries,
            Some(other) => {
                let remedy = "write it as a list in brackets";
                self.mistake(name, display(&other), remedy);
                return;
            }
        };
        field.clear();
        for entry in &entries {
            match read(entry) {
                Ok(value) => field.push(value),
                Err(remedy) => self.mistake(name, display(entry), &remedy),
            }
        }
    }

    /// A duration such as `"200ms"`, `"30s"` or `"5m"`.
    pub(super) fn duration(&mut self, name: &str, field: &mut Duration) {
        self.text(name, field, parse_duration);
    }

    /// A size such as `"32MiB"` or `1048576`.
    pub(super) fn bytes(&mut self, name: &str, field: &mut usize) {
        if let Some(Value::Integer(_)) = self.table.get(name) {
            self.integer(name, field, 1..=usize::MAX as i128);
            return;
        }
        self.text(name, field, parse_bytes);
    }

    /// A whole number within `range`.
    pub(super) fn integer<T: TryFrom<i64>>(
        &mut self,
        name: &str,
        field: &mut T,
        range: std::ops::RangeInclusive<i128>,
    ) {
        let (min, max) = (*range.start(), *range.end());
        let remedy = match max {
            0..=1_000_000_000 => format!("write a whole number from {min} to {max}"),
            _ => format!("write a whole number from {min} up"),
        };
        match self.take(name) {
            None => {}
            Some(Value::Integer(number)) if range.contains(&i128::from(number)) => {
                match T::try_from(number) {
                    Ok(value) => *field = value,
                    Err(_) => self.mistake(name, format!("`{number}`"), &remedy),
                }
            }
            Some(other) => self.mistake(name, display(&other), &remedy),
        }
    }

    /// A whole number within `range`, without a default.
    pub(super) fn optional_integer<T: TryFrom<i64> + Default>(
        &mut self,
        name: &str,
        field: &mut Option<T>,
        range: std::ops::RangeInclusive<i128>,
    ) {
        let is_set = self.has(name);
        let mut value = T::default();
        self.integer(name, &mut value, range);
        *field = is_set.then_some(value);
    }

    /// A number above 0, or `0` for `None`.
    pub(super) fn rate(&mut self, name: &str, field: &mut Option<f64>) {
        let number = match self.take(name) {
            None => return,
            Some(Value::Integer(number)) => number as f64,
            Some(Value::Float(number)) => number,
            Some(other) => {
                self.mistake(name, display(&other), "write a number, or 0 for no limit");
                return;
            }
        };
        if !(0.0..=1e6).contains(&number) {
            self.mistake(
                name,
                format!("`{number}`"),
                "write a number from 0 to 1000000",
            );
            return;
        }
        *field = (number > 0.0).then_some(number);
    }

    /// Reports unknown keys, each with the most similar known one; returns the known keys.
    pub(super) fn finish(self) -> BTreeSet<String> {
        let known: Vec<&String> = self.known_keys.iter().collect();
        for (name, value) in &self.table {
            let key_path = join(&self.path, name);
            let nearest = known.iter().min_by_key(|known| levenshtein(known, name));
            let remedy = match nearest {
                Some(known) if levenshtein(known, name) <= 3 => {
                    format!("unknown field; did you mean `{known}`?")
                }
                _ => format!("unknown field; write one of {}", list(&known)),
            };
            self.mistakes.add(&key_path, display(value), &remedy);
        }
        self.known_keys
            .iter()
            .map(|name| join(&self.path, name))
            .collect()
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.known_keys.insert(name.to_owned());
        self.table.remove(name)
    }

    fn key_path(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::Table(_) => "a section".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => format!("`{other}`"),
    }
}

fn list(names: &[&String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Parses `200ms`, `30s`, `5m` or `1h`; the error is the remedy.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let remedy = || "write a duration such as \"200ms\", \"30s\", \"5m\" or \"1h\"".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| remedy())?;
    let unit = match text.strip_prefix(digits) {
        Some("ms") => return Ok(Duration::from_millis(number)),
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3600,
        _ => return Err(remedy()),
    };
    number
        .checked_mul(unit)
        .map(Duration::from_secs)
        .ok_or_else(remedy)
}

/// `32MiB`, `512KiB`, `1GiB` or plain bytes.
fn parse_bytes(text: &str) -> Result<usize, String> {
    let remedy = || "write a size such as \"512KiB\" or \"32MiB\"".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: usize = digits.parse().map_err(|_| remedy())?;
    let unit = match text.strip_prefix(digits) {
        Some("" | "B") => 1,
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        Some("GiB") => 1 << 30,
        _ => return Err(remedy()),
    };
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(remedy)
}
