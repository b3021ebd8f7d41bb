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

use crate::translation::translated;

const ID: &str = "chatcmpl-golden";
const CREATED: u64 = 1_700_000_000;

#[test]
fn every_case_gives_what_its_folder_says() {
    for case in cases("tests/golden") {
        check(&case);
    }
}

/// The cases of a folder of the repository, at least one.
pub fn cases(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn check(case: &Path) {
    let text = fs::read_to_string(case.join("request.json")).unwrap();
    let request: ChatRequest = serde_json::from_str(&text).unwrap();
    let model = request.model.clone().unwrap();
    let ChatTranslation {
        converse,
        plan,
        adjustments,
    } = match translated(request) {
        Ok(translated) => translated,
        Err(fault) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&fault)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    compare(
        case,
        "converse.json",
        &serde_json::to_string_pretty(&converse).unwrap(),
    );
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));

    let text = fs::read_to_string(case.join("events.txt")).unwrap();
    let events = events(&text);
    let mut stream_plan = plan.clone();
    stream_plan.include_usage = true;
    let mut writer = ChunkWriter::new(ID, CREATED, &model, true, plan.legacy_functions);
    let mut pieces = OutputEvents::new(Arc::new(stream_plan));
    for event in &events {
        pieces.accept(event, &mut writer).unwrap();
    }
    writer.done(pieces.ending());
    compare(
        case,
        "stream.sse",
        std::str::from_utf8(&writer.take()).unwrap(),
    );

    let mut completion = Completion::new(plan.legacy_functions);
    let plan = Arc::new(plan);
    let mut pieces = OutputEvents::new(Arc::clone(&plan));
    for event in &events {
        pieces.accept(event, &mut completion).unwrap();
    }
    let head = CompletionHead {
        id: ID,
        created: CREATED,
        model: &model,
        metadata: plan.metadata.as_ref(),
    };
    let json = Completion::to_json(&[completion], head, pieces.ending()).unwrap();
    let pretty: Value = serde_json::from_slice(&json).unwrap();
    compare(
        case,
        "completion.json",
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
pub fn compare(case: &Path, name: &str, got: &str) {
    let file = case.join(name);
    let got = got.trim_end();
    if std::env::var_os("OUTCROP_UPDATE_GOLDEN").is_some() {
        fs::write(&file, format!("{got}\n")).unwrap();
        return;
    }
    let wanted = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(got, wanted.trim_end(), "{}", file.display());
}
