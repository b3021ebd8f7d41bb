//! Runs the fuzz targets over the seeds and regressions in `fuzz/`.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use crate::support::{chat_request, event_stream, responses_request, sse_writer};

#[test]
fn every_regression_input_of_the_chat_request_target_passes() {
    replay("chat_request", chat_request::check);
}

#[test]
fn every_regression_input_of_the_event_stream_target_passes() {
    replay("event_stream", event_stream::check);
}

#[test]
fn every_regression_input_of_the_responses_request_target_passes() {
    replay("responses_request", responses_request::check);
}

#[test]
fn every_regression_input_of_the_sse_writer_target_passes() {
    replay("sse_writer", sse_writer::check);
}

fn replay(target: &str, check: fn(&[u8])) {
    let inputs = [inputs("seeds", target), inputs("regressions", target)].concat();
    assert!(!inputs.is_empty(), "{target} has no inputs");
    for input in inputs {
        let bytes = fs::read(&input).unwrap();
        assert!(
            catch_unwind(|| check(&bytes)).is_ok(),
            "{}",
            input.display()
        );
    }
}

fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let Ok(entries) = fs::read_dir(root.join(folder).join(target)) else {
        return Vec::new();
    };
    let mut inputs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    inputs.sort();
    inputs
}
