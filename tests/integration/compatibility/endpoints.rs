//! The sections of the endpoints other than chat are written by hand. They have to mention every field
//! of the request.

use std::fs;
use std::path::Path;

use outcrop::openai::ClientField;
use outcrop::openai::absent::ABSENT;
use outcrop::openai::batches::{BatchLine, CreateBatch};
use outcrop::openai::completions::CompletionRequest;
use outcrop::openai::embeddings::EmbeddingsRequest;
use outcrop::openai::files::FileForm;
use outcrop::openai::images::ImageRequest;
use outcrop::openai::moderations::ModerationRequest;
use outcrop::openai::rerank::RerankRequest;
use outcrop::openai::responses::ResponsesRequest;
use outcrop::openai::videos::VideoRequest;

/// Title of the section and fields of the request.
const ENDPOINTS: &[(&str, &[ClientField])] = &[
    ("Embeddings", EmbeddingsRequest::FIELDS),
    ("Images", ImageRequest::FIELDS),
    ("Videos", VideoRequest::FIELDS),
    ("Rerank", RerankRequest::FIELDS),
    ("Moderations", ModerationRequest::FIELDS),
    ("Token counts", ResponsesRequest::FIELDS),
    ("Completions", CompletionRequest::FIELDS),
    ("Files and batches", FileForm::FIELDS),
    ("Files and batches", CreateBatch::FIELDS),
    ("Files and batches", BatchLine::FIELDS),
];

#[test]
fn every_field_of_every_endpoint_is_documented() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
    let page = fs::read_to_string(file).unwrap();
    for (title, fields) in ENDPOINTS {
        let heading = format!("\n## {title}\n");
        let (_, section) = page
            .split_once(&heading)
            .unwrap_or_else(|| panic!("docs/compatibility.md has no section `{title}`"));
        let section = section.split("\n## ").next().unwrap_or_default();
        for path in super::all_paths(fields) {
            let mentions = [format!("`{path}`"), format!("`{path}: ")];
            assert!(
                mentions.iter().any(|words| section.contains(words)),
                "the section `{title}` of docs/compatibility.md does not mention `{path}`"
            );
        }
    }
}

/// The table of unsupported endpoints.
pub fn absent() -> Vec<String> {
    let mut lines = vec![
        "| path | why | instead |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    let rows = ABSENT.iter().map(|absent| {
        let method = absent.method.map(|method| format!("{method} "));
        let path = format!("{}/v1{}", method.unwrap_or_default(), absent.path);
        format!("| `{path}` | {} | {} |", absent.why, absent.instead)
    });
    lines.extend(rows);
    lines
}
