//! The hand-written tables of the endpoints besides chat name every field of a request.

use std::fs;
use std::path::Path;

use outcrop::batches::wire::{BatchLine, CreateBatch};
use outcrop::dialects::openai_completions::CompletionRequest;
use outcrop::dialects::openai_responses::ResponsesRequest;
use outcrop::endpoints::embeddings::EmbeddingsRequest;
use outcrop::endpoints::files::wire::FileForm;
use outcrop::endpoints::images::ImageRequest;
use outcrop::endpoints::moderations::ModerationRequest;
use outcrop::endpoints::rerank::RerankRequest;
use outcrop::endpoints::videos::VideoRequest;
use outcrop::server::pages::absent::ABSENT;
use outcrop::wire::ClientField;

use super::page::Page;

/// The page in `docs/compatibility/`, and the request fields that it describes.
const ENDPOINTS: &[(&str, &[ClientField])] = &[
    ("embeddings", EmbeddingsRequest::FIELDS),
    ("images", ImageRequest::FIELDS),
    ("videos", VideoRequest::FIELDS),
    ("rerank", RerankRequest::FIELDS),
    ("moderations", ModerationRequest::FIELDS),
    ("responses", ResponsesRequest::FIELDS),
    ("completions", CompletionRequest::FIELDS),
    ("batches-and-files", FileForm::FIELDS),
    ("batches-and-files", CreateBatch::FIELDS),
    ("batches-and-files", BatchLine::FIELDS),
];

#[test]
fn every_field_of_every_endpoint_is_documented() {
    for (name, fields) in ENDPOINTS {
        let page = Page::read(name);
        for path in super::all_paths(fields) {
            let mentions = [format!("`{path}`"), format!("`{path}: ")];
            assert!(
                mentions.iter().any(|name| page.text().contains(name)),
                "docs/compatibility/{name}.md does not mention `{path}`"
            );
        }
    }
}

#[test]
fn every_page_begins_with_a_short_summary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name != "README" {
            Page::read(name).assert_summary();
        }
    }
}

#[test]
fn the_index_lists_every_page() {
    let index = Page::read("README");
    assert!(index.text().lines().count() <= 40);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_listed = index.text().contains(&format!("({name})"));
        assert!(is_listed || name == "README.md", "{name}");
    }
}

/// The table of unsupported endpoints.
pub fn unsupported() -> Vec<String> {
    let mut lines = vec![
        "| path | reason | alternative |".to_owned(),
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
