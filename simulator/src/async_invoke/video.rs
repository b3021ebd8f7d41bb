//! The S3 objects of a completed job.

use std::time::SystemTime;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::video_jobs::{Job, State, VideoJobs};
use crate::s3::Storage;

/// The failure message of a job that the content filters block.
pub(super) const BLOCKED: &str = "This request has been blocked by our content filters. Please adjust your text prompt and try again.";
/// Size of a video in bytes: a valid file header, then bytes derived from the request.
const LENGTH: usize = 10_000;
const HEAD: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";

/// Writes the video and its manifest once the job is complete; later calls do nothing.
pub(super) fn deliver(jobs: &VideoJobs, storage: &Storage, job: &Job, now: SystemTime) {
    if job.state(now) != State::Completed || !jobs.deliver(&job.arn) {
        return;
    }
    let Some((bucket, folder)) = job.uri.strip_prefix("s3://").map(split) else {
        return;
    };
    let key = |name: &str| format!("{folder}{}/{name}", job.id());
    let manifest = json!({
        "taskType": job.request.pointer("/modelInput/taskType"),
        "clips": [{ "shot": "output.mp4" }],
    });
    let manifest = Bytes::from(manifest.to_string());
    storage.put(bucket, &key("manifest.json"), "application/json", manifest);
    storage.put(bucket, &key("output.mp4"), "video/mp4", video(&job.request));
}

/// Splits into bucket and folder; the folder is empty or ends with a slash.
fn split(location: &str) -> (&str, String) {
    match location.split_once('/') {
        None | Some((_, "")) => (location.trim_end_matches('/'), String::new()),
        Some((bucket, folder)) => (bucket, format!("{folder}/")),
    }
}

fn video(request: &Value) -> Bytes {
    let input = request.get("modelInput").map(Value::to_string);
    let seed = Sha256::digest(input.unwrap_or_default());
    let rest = seed.iter().copied().cycle();
    HEAD.iter().copied().chain(rest).take(LENGTH).collect()
}
