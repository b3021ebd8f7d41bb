//! What requests for videos become, in folders: the request, and what is sent or refused.

use std::collections::HashMap;
use std::fs;

use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::videos::{VideoOrder, VideoRequest, translate};
use serde_json::{Value, json};

use crate::chat::golden::{cases, compare};

#[test]
fn every_request_matches_its_golden_folder() {
    for case in cases("videos") {
        let text = fs::read_to_string(case.join("request.json")).unwrap();
        let outcome = outcome(&text);
        let file = match outcome.get("refused") {
            Some(_) => "error.json",
            None => "response.json",
        };
        compare(
            &case,
            file,
            &serde_json::to_string_pretty(&outcome).unwrap(),
        );
    }
}

fn outcome(text: &str) -> Value {
    let request: VideoRequest = serde_json::from_str(text).unwrap();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let table = ModelTable::built_in().unwrap();
    let capabilities = table.capabilities(&model).video.clone().unwrap();
    match translate(request, Vec::new(), &capabilities, &HashMap::new()) {
        Ok(video_generation) => provider_request(video_generation),
        Err(error) => json!({
            "refused": error.message,
            "param": error.parameter,
            "code": error.code,
        }),
    }
}

fn provider_request(video_generation: VideoOrder) -> Value {
    let VideoOrder {
        input,
        seconds,
        size,
        resolution: _,
        prompt,
        adjustments,
    } = video_generation;
    let input: Value = serde_json::from_str(input.as_str()).unwrap();
    json!({
        "modelInput": input,
        "told": { "seconds": seconds, "size": size, "prompt": prompt },
        "adjustments": adjustments.header_value(),
    })
}
