//! Golden folders of `/v1/images`. `request.json` contains the `endpoint`, the `body` and the `files`
//! of a form: name of the part, width, height. Upstream requests and responses are lists, one for
//! each call. Images are written as size and color; in responses `WxH` stands for an image.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use outcrop::converse::policy::AllowList;
use outcrop::endpoints::images::{
    ImageContext, ImageData, ImageEndpoint, ImageHead, ImageRequest, TranslatedImage,
    completed_events, images, images_response,
};
use outcrop::error::ApiError;
use outcrop::models::{ModelId, ModelTable};
use outcrop::wire::form::FormPart;
use serde_json::Value;

use crate::harness::golden::{
    Case, Outputs, RESPONSE, STREAM, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, run,
};
use crate::harness::images::{described, mask, png_bytes};

const CREATED: u64 = 1_700_000_000;

#[test]
fn every_images_case_matches_its_golden_folder() {
    run("images", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let case_request: Value = case.request();
    let request: ImageRequest = serde_json::from_str(&case_request["body"].to_string()).unwrap();
    let endpoint = match case_request["endpoint"].as_str().unwrap() {
        "generations" => ImageEndpoint::Generations,
        "edits" => ImageEndpoint::Edits,
        "variations" => ImageEndpoint::Variations,
        other => panic!("unknown endpoint {other}"),
    };
    let files = files(&case_request["files"]);
    let table = ModelTable::built_in().unwrap();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let capabilities = table.capabilities(&model).image.clone().unwrap();
    let context = ImageContext {
        capabilities: capabilities.clone(),
        model_fields: AllowList::default(),
        has_bucket: false,
        fetched: Arc::default(),
    };
    let TranslatedImage {
        prepared,
        mut adjustments,
    } = outcrop::endpoints::images::translate(endpoint, request, files, &context)?;
    let bodies: Vec<Value> = prepared
        .bodies
        .iter()
        .map(|body| with_descriptions(serde_json::from_slice(body).unwrap()))
        .collect();
    outputs.json(UPSTREAM_REQUEST, &bodies);

    let responses: Vec<Value> = case.json(UPSTREAM_RESPONSE);
    let responses: Vec<Bytes> = responses
        .into_iter()
        .map(|response| with_images(response).to_string().into())
        .collect();
    let generated = images(capabilities.body, &responses, &prepared, &mut adjustments)?;
    outputs.adjustments(adjustments.iter());
    if prepared.stream {
        let events = completed_events(endpoint, CREATED, &generated).unwrap();
        let events = String::from_utf8(events).unwrap();
        let lines = events
            .lines()
            .map(|line| match line.strip_prefix("data: ") {
                Some(data) => {
                    let data = with_descriptions(serde_json::from_str(data).unwrap());
                    format!("data: {data}")
                }
                None => line.to_owned(),
            });
        outputs.text(STREAM, &lines.collect::<Vec<_>>().join("\n"));
        return Ok(());
    }
    let head = ImageHead::of(CREATED, &generated);
    let data = generated
        .into_iter()
        .map(|png_bytes| ImageData::Base64(png_bytes.base64));
    let response = images_response(&head, &data.collect::<Vec<_>>()).unwrap();
    let response = with_descriptions(serde_json::from_slice(&response).unwrap());
    outputs.json(RESPONSE, &response);
    Ok(())
}

fn files(files: &Value) -> Vec<FormPart> {
    let files = files.as_array().into_iter().flatten();
    let part = |file: &Value| {
        let name = file[0].as_str().unwrap();
        let side = |index: usize| file[index].as_u64().unwrap() as u32;
        let bytes = match name {
            "mask" => mask(side(1), side(2)),
            _ => png_bytes(side(1), side(2)),
        };
        FormPart {
            name: name.to_owned(),
            file_name: Some("file.png".to_owned()),
            content_type: Some("image/png".to_owned()),
            bytes: bytes.into(),
        }
    };
    files.map(part).collect()
}

/// `value` with each image replaced by its description.
fn with_descriptions(value: Value) -> Value {
    map_texts(value, &|text| described(&text).unwrap_or(text))
}

/// `value` with each size replaced by an image.
fn with_images(value: Value) -> Value {
    map_texts(value, &|text| match text.split_once('x') {
        Some((width, height)) => match (width.parse(), height.parse()) {
            (Ok(width), Ok(height)) => STANDARD.encode(png_bytes(width, height)),
            _ => text,
        },
        None => text,
    })
}

fn map_texts(value: Value, change: &impl Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(all) => all.into_iter().map(|one| map_texts(one, change)).collect(),
        Value::Object(all) => {
            let all = all.into_iter();
            let all = all.map(|(key, one)| (key, map_texts(one, change)));
            Value::Object(all.collect())
        }
        other => other,
    }
}
