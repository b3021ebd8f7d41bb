//! Golden folders of `/v1/videos`. The upstream request is the model input of the job; the response
//! contains the fields of the video that depend on the request.

use std::collections::HashMap;

use outcrop::endpoints::videos::{VideoOrder, VideoRequest};
use outcrop::error::ApiError;
use outcrop::models::{ModelId, ModelTable};
use serde_json::json;

use crate::harness::golden::{Case, Outputs, RESPONSE, UPSTREAM_REQUEST, run};

#[test]
fn every_videos_case_matches_its_golden_folder() {
    run("videos", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: VideoRequest = case.request();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let table = ModelTable::built_in().unwrap();
    let capabilities = table.capabilities(&model).video.clone().unwrap();
    let VideoOrder {
        input,
        seconds,
        size,
        resolution: _,
        prompt,
        adjustments,
    } = outcrop::endpoints::videos::translate(request, Vec::new(), &capabilities, &HashMap::new())?;
    outputs.reformatted(UPSTREAM_REQUEST, input.as_str().as_bytes());
    outputs.adjustments(adjustments.iter());
    outputs.json(
        RESPONSE,
        &json!({ "seconds": seconds, "size": size, "prompt": prompt }),
    );
    Ok(())
}
