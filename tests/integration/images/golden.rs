//! The bodies of models that make pictures: `tests/golden/images/CASE/` holds a client's request,
//! the bodies that it becomes, what Bedrock answers, and what the client gets. Pictures are written
//! as what can be seen of them.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration image_bodies` writes what comes out now;
//! read the difference before committing it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use outcrop::error::ApiError;
use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::chat::AllowList;
use outcrop::openai::error::ErrorBody;
use outcrop::openai::form::FormPart;
use outcrop::openai::images::{
    ImageContext, ImageData, ImageEndpoint, ImageHead, ImageRequest, TranslatedImage,
    completed_events, images, images_response, translate,
};
use serde_json::{Value, json};

use crate::chat::golden::{cases, compare};
use crate::harness::images::{described, mask, png_bytes};

const CREATED: u64 = 1_700_000_000;

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("images") {
        check(&case);
    }
}

/// `request.json` has the `endpoint`, the `body`, and the `files` of a form: the name of the part,
/// width and height. `responses.json` has what Bedrock answers; `WxH` stands for a picture.
fn check(case: &Path) {
    let case_request: Value = read(case, "request.json").unwrap();
    let request: ImageRequest = serde_json::from_str(&case_request["body"].to_string()).unwrap();
    let endpoint = match case_request["endpoint"].as_str().unwrap() {
        "generations" => ImageEndpoint::Generations,
        "edits" => ImageEndpoint::Edits,
        "variations" => ImageEndpoint::Variations,
        other => panic!("there is no endpoint {other}"),
    };
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
    } = match translate(endpoint, request, files(&case_request["files"]), &context) {
        Ok(translated) => translated,
        Err(api_error) => return compare(case, "error.json", &error(&api_error)),
    };
    let bodies: Vec<Value> = prepared
        .bodies
        .iter()
        .map(|body| seen(serde_json::from_slice(body).unwrap()))
        .collect();
    compare(case, "upstream.request.json", &pretty(&json!(bodies)));

    let responses = read(case, "upstream.response.json").unwrap_or_default();
    let responses = responses.as_array().cloned().unwrap_or_default();
    let responses: Vec<Bytes> = responses
        .into_iter()
        .map(|response| drawn(response).to_string().into())
        .collect();
    let generated = match images(capabilities.body, &responses, &prepared, &mut adjustments) {
        Ok(generated) => generated,
        Err(api_error) => return compare(case, "error.json", &error(&api_error)),
    };
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));
    if prepared.stream {
        let events = completed_events(endpoint, CREATED, &generated).unwrap();
        let events = String::from_utf8(events).unwrap();
        let lines = events
            .lines()
            .map(|line| match line.strip_prefix("data: ") {
                Some(data) => format!("data: {}", seen(serde_json::from_str(data).unwrap())),
                None => line.to_owned(),
            });
        return compare(case, "response.sse", &lines.collect::<Vec<_>>().join("\n"));
    }
    let head = ImageHead::of(CREATED, &generated);
    let data = generated
        .into_iter()
        .map(|png_bytes| ImageData::Base64(png_bytes.base64));
    let response = images_response(&head, &data.collect::<Vec<_>>()).unwrap();
    let response = seen(serde_json::from_slice(&response).unwrap());
    compare(case, "response.json", &pretty(&response));
}

fn files(case_request: &Value) -> Vec<FormPart> {
    let files = case_request.as_array().into_iter().flatten();
    let part = |file: &Value| {
        let name = file[0].as_str().unwrap();
        let side = |at: usize| file[at].as_u64().unwrap() as u32;
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

fn read(case: &Path, name: &str) -> Option<Value> {
    let text = fs::read_to_string(case.join(name)).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

/// The value with each picture as what can be seen of it.
fn seen(value: Value) -> Value {
    each_text(value, &|text| described(&text).unwrap_or(text))
}

/// The value with a picture for each size.
fn drawn(value: Value) -> Value {
    each_text(value, &|text| match text.split_once('x') {
        Some((width, height)) => match (width.parse(), height.parse()) {
            (Ok(width), Ok(height)) => STANDARD.encode(png_bytes(width, height)),
            _ => text,
        },
        None => text,
    })
}

fn each_text(value: Value, change: &impl Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(all) => all.into_iter().map(|one| each_text(one, change)).collect(),
        Value::Object(all) => {
            let all = all.into_iter();
            let all = all.map(|(key, one)| (key, each_text(one, change)));
            Value::Object(all.collect())
        }
        other => other,
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn error(api_error: &ApiError) -> String {
    serde_json::to_string_pretty(&ErrorBody::from(api_error)).unwrap()
}
