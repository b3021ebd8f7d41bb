//! Golden folders: `tests/golden/ENDPOINT/TOPIC/CASE/` contains a client's request and what becomes
//! of it.
//!
//! | file | contents |
//! | --- | --- |
//! | `request.json` | the client's request |
//! | `upstream.request.json` | the request to Bedrock; a list if there can be several |
//! | `upstream.response.json`, `.txt`, `.sse` | Bedrock's response |
//! | `response.json`, `.sse` | the client's response, non-streaming and as a stream |
//! | `adjustments.txt` | the adjustments, one a line; no file if there are none |
//! | `error.json` | the client's error |
//!
//! The test of an endpoint reads the request and Bedrock's responses and produces the other files;
//! [`run`] compares them. A batch uses `.jsonl`. Other files (`settings.json`) are input.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration golden` writes what the code produces.
//! Read the diff before committing it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use outcrop::converse::event::Event;
use outcrop::error::ApiError;
use outcrop::reply::Adjustment;
use outcrop::wire::error::ErrorBody;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub const REQUEST: &str = "request.json";
pub const UPSTREAM_REQUEST: &str = "upstream.request.json";
pub const UPSTREAM_RESPONSE: &str = "upstream.response.json";
/// Bedrock's events, one a line: type and payload.
pub const UPSTREAM_EVENTS: &str = "upstream.response.txt";
pub const UPSTREAM_STREAM: &str = "upstream.response.sse";
pub const RESPONSE: &str = "response.json";
pub const STREAM: &str = "response.sse";
pub const ADJUSTMENTS: &str = "adjustments.txt";
pub const ERROR: &str = "error.json";

/// Files that a test reads and does not produce.
const INPUTS: &[&str] = &["request.", "settings.", "upstream.response."];

/// The folders of `tests/golden`, each run by one test.
const ENDPOINTS: &[&str] = &[
    "batches",
    "chat",
    "chat_upstream",
    "completions",
    "embeddings",
    "images",
    "models",
    "moderations",
    "rerank",
    "responses",
    "videos",
];

/// A golden folder.
pub struct Case {
    folder: PathBuf,
}

/// The files that a case produces, by name.
#[derive(Default)]
pub struct Outputs {
    files: BTreeMap<String, String>,
}

/// Compares what `translate` produces for each case of the endpoint with the files of the case. An
/// error becomes `error.json`, next to what was produced before it.
pub fn run(endpoint: &str, translate: fn(&Case, &mut Outputs) -> Result<(), ApiError>) {
    let mut differences = Vec::new();
    for case in cases(endpoint) {
        let mut outputs = Outputs::default();
        if let Err(error) = translate(&case, &mut outputs) {
            outputs.error(&error);
        }
        differences.extend(case.differences(&outputs));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// The cases of an endpoint: the folders with files, however deep.
pub fn cases(endpoint: &str) -> Vec<Case> {
    assert!(ENDPOINTS.contains(&endpoint), "{endpoint} is not listed");
    let mut cases = Vec::new();
    collect(&root().join(endpoint), &mut cases);
    cases.sort_by(|a, b| a.folder.cmp(&b.folder));
    assert!(!cases.is_empty(), "{endpoint} has no cases");
    cases
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn collect(folder: &Path, cases: &mut Vec<Case>) {
    let entries = fs::read_dir(folder).unwrap();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    for path in paths.iter().filter(|path| path.is_dir()) {
        collect(path, cases);
    }
    if paths.iter().any(|path| path.is_file()) {
        let folder = folder.to_owned();
        cases.push(Case { folder });
    }
}

impl Case {
    /// The case of this path in `tests/golden`.
    pub fn at(path: &str) -> Self {
        let folder = root().join(path);
        Self { folder }
    }

    /// Endpoint, topic and name: `chat/reasoning/budget_below_minimum`.
    pub fn name(&self) -> String {
        let name = self.folder.strip_prefix(root()).unwrap();
        name.to_string_lossy().into_owned()
    }

    pub fn request<T: DeserializeOwned>(&self) -> T {
        self.json(REQUEST)
    }

    pub fn json<T: DeserializeOwned>(&self, file: &str) -> T {
        serde_json::from_str(&self.text(file))
            .unwrap_or_else(|error| panic!("{}/{file}: {error}", self.name()))
    }

    pub fn text(&self, file: &str) -> String {
        self.optional(file)
            .unwrap_or_else(|| panic!("{}/{file} does not exist", self.name()))
    }

    /// The text of a file that not every case has.
    pub fn optional(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    /// Fails if the files of the case differ from `outputs`.
    pub fn compare(&self, outputs: &Outputs) {
        let differences = self.differences(outputs);
        assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    }

    /// Descriptions of the files that differ from `outputs`. In update mode the files are written,
    /// and none differ.
    fn differences(&self, outputs: &Outputs) -> Vec<String> {
        let mut files = self.expected();
        if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
            for (file, text) in &outputs.files {
                fs::write(self.folder.join(file), format!("{text}\n")).unwrap();
                files.remove(file);
            }
            for file in files.keys() {
                fs::remove_file(self.folder.join(file)).unwrap();
            }
            return Vec::new();
        }
        let mut differences = Vec::new();
        for (file, actual) in &outputs.files {
            match files.remove(file) {
                Some(expected) if expected == *actual => {}
                Some(expected) => differences.push(format!(
                    "{}/{file}\nexpected: {expected}\n  actual: {actual}",
                    self.name()
                )),
                None => differences.push(format!(
                    "{}/{file} does not exist\n  actual: {actual}",
                    self.name()
                )),
            }
        }
        let unused = files.keys();
        differences.extend(unused.map(|file| format!("{}/{file} is not produced", self.name())));
        differences
    }

    /// The present contents of the files that are not input.
    fn expected(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = names.filter(|name| !INPUTS.iter().any(|input| name.starts_with(input)));
        names
            .map(|name| {
                let text = self.text(&name).trim_end().to_owned();
                (name, text)
            })
            .collect()
    }
}

impl Outputs {
    pub fn text(&mut self, file: &str, text: &str) {
        let replaced = self
            .files
            .insert(file.to_owned(), text.trim_end().to_owned());
        assert_eq!(replaced, None, "{file} is produced twice");
    }

    pub fn bytes(&mut self, file: &str, bytes: &[u8]) {
        self.text(file, std::str::from_utf8(bytes).unwrap());
    }

    /// `value` as indented JSON.
    pub fn json(&mut self, file: &str, value: &impl Serialize) {
        self.text(file, &serde_json::to_string_pretty(value).unwrap());
    }

    /// The JSON text `json`, indented.
    pub fn reformatted(&mut self, file: &str, json: &[u8]) {
        let value: Value = serde_json::from_slice(json).unwrap();
        self.json(file, &value);
    }

    pub fn adjustments<'a>(&mut self, adjustments: impl IntoIterator<Item = &'a Adjustment>) {
        let lines: Vec<String> = adjustments.into_iter().map(ToString::to_string).collect();
        if !lines.is_empty() {
            self.text(ADJUSTMENTS, &lines.join("\n"));
        }
    }

    fn error(&mut self, error: &ApiError) {
        self.json(ERROR, &ErrorBody::from(error));
    }
}

/// The events of a text with one a line: type and payload.
pub fn events(text: &str) -> Vec<Event> {
    let event = |line: &str| {
        let (kind, payload) = line.split_once(' ').unwrap();
        Event::parse(kind, payload.as_bytes()).unwrap()
    };
    text.lines().map(event).collect()
}

#[test]
fn every_golden_folder_belongs_to_an_endpoint() {
    let entries = fs::read_dir(root()).unwrap();
    let mut folders: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, ENDPOINTS);
}
