//! Golden folders: `tests/golden/CASE/` holds a client's request, the Converse request it becomes,
//! Bedrock's events, and what the client gets: the stream and the whole answer. Each file is the
//! expected output of one step and the input of the next.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration golden` writes what comes out now; read
//! the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use outcrop::converse::event::Event;
use outcrop::openai::chat::{
    ChatRequest, ChatTranslation, ChunkWriter, Completion, CompletionHead, OutputEvents,
};
use outcrop::openai::error::ErrorBody;
use serde_json::Value;

use crate::harness::translation::translated;

const ID: &str = "chatcmpl-golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("chat") {
        check(&case);
    }
}

/// The cases of an endpoint, at least one: the folders that contain files.
pub fn cases(endpoint: &str) -> Vec<PathBuf> {
    let mut cases = Vec::new();
    collect_cases(&folder(endpoint), &mut cases);
    cases.sort();
    assert!(!cases.is_empty(), "{endpoint} has no cases");
    cases
}

/// The folder of an endpoint.
pub fn folder(endpoint: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    root.join(endpoint)
}

fn collect_cases(folder: &Path, cases: &mut Vec<PathBuf>) {
    let mut has_files = false;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_cases(&path, cases);
        } else {
            has_files = true;
        }
    }
    if has_files {
        cases.push(folder.to_owned());
    }
}

fn check(case: &Path) {
    let text = fs::read_to_string(case.join("request.json")).unwrap();
    let request: ChatRequest = serde_json::from_str(&text).unwrap();
    let model = request.model.clone().unwrap();
    let ChatTranslation {
        converse,
        output_options,
        adjustments,
    } = match translated(request) {
        Ok(translated) => translated,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    compare(
        case,
        "upstream.request.json",
        &serde_json::to_string_pretty(&converse).unwrap(),
    );
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));

    let text = fs::read_to_string(case.join("upstream.response.txt")).unwrap();
    let events = events(&text);
    let mut stream_options = output_options.clone();
    stream_options.include_usage = true;
    let mut writer = ChunkWriter::new(ID, CREATED, &model, true, output_options.legacy_functions);
    let mut output_events = OutputEvents::new(Arc::new(stream_options));
    for event in &events {
        output_events.accept(event, &mut writer).unwrap();
    }
    writer.done(output_events.summary());
    compare(
        case,
        "response.sse",
        std::str::from_utf8(&writer.take()).unwrap(),
    );

    let mut completion = Completion::new(output_options.legacy_functions);
    let output_options = Arc::new(output_options);
    let mut output_events = OutputEvents::new(Arc::clone(&output_options));
    for event in &events {
        output_events.accept(event, &mut completion).unwrap();
    }
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: &model,
        metadata: output_options.metadata.as_ref(),
    };
    let json = Completion::to_json(&[completion], head, output_events.summary()).unwrap();
    let pretty: Value = serde_json::from_slice(&json).unwrap();
    compare(
        case,
        "response.json",
        &serde_json::to_string_pretty(&pretty).unwrap(),
    );
}

/// One event a line: its type, and its payload.
pub fn events(text: &str) -> Vec<Event> {
    let read = |line: &str| {
        let (kind, payload) = line.split_once(' ').unwrap();
        Event::parse(kind, payload.as_bytes()).unwrap()
    };
    text.lines().map(read).collect()
}

/// Compares what came out with the file `name` of the folder, or writes it.
pub fn compare(case: &Path, name: &str, actual: &str) {
    let file = case.join(name);
    let actual = actual.trim_end();
    if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
        fs::write(&file, format!("{actual}\n")).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(actual, expected.trim_end(), "{}", file.display());
}
