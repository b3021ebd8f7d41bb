//! The bodies of models that make pictures: `tests/bodies/images/CASE/` holds a client's request,
//! the bodies that it becomes, what Bedrock answers, and what the client gets. Pictures are written
//! as what can be seen of them.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration image_bodies` writes what comes out now;
//! read the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use outcrop::fault::ApiError;
use outcrop::models::{ModelId, ModelTable};
use outcrop::openai::chat::AllowList;
use outcrop::openai::error::ErrorBody;
use outcrop::openai::form::FormPart;
use outcrop::openai::images::{
    ImageContext, ImageData, ImageEndpoint, ImageHead, ImageRequest, TranslatedImage,
    completed_events, image_answer, pictures, translate,
};
use serde_json::{Value, json};

use crate::golden::compare;
use crate::pictures::{described, mask, picture};

const CREATED: u64 = 1_700_000_000;

#[test]
fn every_case_gives_what_its_folder_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bodies/images");
    let mut cases: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    for case in cases {
        check(&case);
    }
}

/// `request.json` has the `endpoint`, the `body`, and the `files` of a form: the name of the part,
/// width and height. `answers.json` has what Bedrock answers; `WxH` stands for a picture.
fn check(case: &Path) {
    let given: Value = read(case, "request.json").unwrap();
    let request: ImageRequest = serde_json::from_str(&given["body"].to_string()).unwrap();
    let endpoint = match given["endpoint"].as_str().unwrap() {
        "generations" => ImageEndpoint::Generations,
        "edits" => ImageEndpoint::Edits,
        "variations" => ImageEndpoint::Variations,
        other => panic!("there is no endpoint {other}"),
    };
    let table = ModelTable::built_in().unwrap();
    let model = ModelId::parse(request.model.as_deref().unwrap()).unwrap();
    let facts = table.facts(&model).image.clone().unwrap();
    let terms = ImageContext {
        facts: facts.clone(),
        model_fields: AllowList::default(),
        has_bucket: false,
        fetched: Arc::default(),
    };
    let TranslatedImage {
        plan,
        mut adjustments,
    } = match translate(endpoint, request, files(&given["files"]), &terms) {
        Ok(translated) => translated,
        Err(fault) => return compare(case, "error.json", &error(&fault)),
    };
    let bodies: Vec<Value> = plan
        .bodies
        .iter()
        .map(|body| seen(serde_json::from_slice(body).unwrap()))
        .collect();
    compare(case, "bodies.json", &pretty(&json!(bodies)));

    let answers = read(case, "answers.json").unwrap_or_default();
    let answers = answers.as_array().cloned().unwrap_or_default();
    let answers: Vec<Bytes> = answers
        .into_iter()
        .map(|answer| drawn(answer).to_string().into())
        .collect();
    let made = match pictures(facts.body, &answers, &plan, &mut adjustments) {
        Ok(made) => made,
        Err(fault) => return compare(case, "error.json", &error(&fault)),
    };
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));
    if plan.stream {
        let events = completed_events(endpoint, CREATED, &made).unwrap();
        let events = String::from_utf8(events).unwrap();
        let lines = events
            .lines()
            .map(|line| match line.strip_prefix("data: ") {
                Some(data) => format!("data: {}", seen(serde_json::from_str(data).unwrap())),
                None => line.to_owned(),
            });
        return compare(case, "stream.sse", &lines.collect::<Vec<_>>().join("\n"));
    }
    let head = ImageHead::of(CREATED, &made);
    let data = made
        .into_iter()
        .map(|picture| ImageData::Base64(picture.base64));
    let answer = image_answer(&head, &data.collect::<Vec<_>>()).unwrap();
    let answer = seen(serde_json::from_slice(&answer).unwrap());
    compare(case, "response.json", &pretty(&answer));
}

fn files(given: &Value) -> Vec<FormPart> {
    let files = given.as_array().into_iter().flatten();
    let part = |file: &Value| {
        let name = file[0].as_str().unwrap();
        let side = |at: usize| file[at].as_u64().unwrap() as u32;
        let bytes = match name {
            "mask" => mask(side(1), side(2)),
            _ => picture(side(1), side(2)),
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
            (Ok(width), Ok(height)) => STANDARD.encode(picture(width, height)),
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

fn error(fault: &ApiError) -> String {
    serde_json::to_string_pretty(&ErrorBody::from(fault)).unwrap()
}
