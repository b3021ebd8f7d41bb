//! The tables in `docs/compatibility/` are generated from the code and compared here. The prose
//! around them is written by hand.
//!
//! `OUTCROP_UPDATE_GOLDEN=1 cargo test --test integration compatibility` updates the tables; read
//! the diff before committing it.

mod difference;
mod endpoints;
mod families;
mod headers;
pub mod json_path;
pub mod page;
mod probe;
mod responses;
pub mod samples;

use std::collections::BTreeSet;

use outcrop::dialects::openai_chat::ChatRequest;
use outcrop::wire::ClientField;
use serde_json::Value;

use page::Page;
use probe::Probe;
use samples::Samples;

#[test]
fn the_compatibility_pages_match_the_code() {
    let samples = Samples::read();
    let mut page = Page::read("chat-completions").table("models", &samples.model_table());
    for topic in &samples.topics {
        let probe = match topic.name.as_str() {
            "caching" => Probe::new(&samples).with_caching(),
            _ => Probe::new(&samples),
        };
        page = page.table(&topic.name, &probe.table(topic));
    }
    page.table("finish reasons", &responses::finish_reasons())
        .compare();
    Page::read("unsupported-endpoints")
        .table("unsupported endpoints", &endpoints::unsupported())
        .compare();
    Page::read("model-families")
        .table("families", &families::table())
        .compare();
    Page::read("headers")
        .table("request headers", &headers::request_headers())
        .table("response headers", &headers::response_headers())
        .compare();
}

#[test]
fn every_field_has_a_sample_and_every_sample_a_field() {
    let mut fields = all_paths(ChatRequest::FIELDS);
    // Resolved before the translation.
    fields.remove("model");
    let mut sampled = BTreeSet::new();
    for row in Samples::read().rows() {
        let sample_fields = json_path::fields_of(&row.at, &row.value, ChatRequest::FIELDS);
        assert_eq!(
            sample_fields.unknown_fields.is_empty(),
            !row.unknown,
            "{} has fields that the code does not accept: {:?}",
            row.at,
            sample_fields.unknown_fields
        );
        sampled.extend(sample_fields.paths);
    }
    let missing: Vec<_> = fields.difference(&sampled).collect();
    assert!(
        missing.is_empty(),
        "tests/compatibility/samples.toml has no sample of {missing:?}"
    );
}

#[test]
fn null_is_equivalent_to_absent() {
    let samples = Samples::read();
    let probe = Probe::new(&samples);
    let base = samples.base("plain");
    let fields = ChatRequest::FIELDS.iter().map(|field| field.name);
    for field in fields.filter(|field| !matches!(*field, "model" | "messages")) {
        let with_null = json_path::put(base.clone(), field, Value::Null);
        for model in &samples.models {
            assert_eq!(
                probe.outcome(model, base, &with_null).as_deref(),
                Some(probe::NO_CHANGE),
                "{field}"
            );
        }
    }
}

fn all_paths(fields: &[ClientField]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    paths(fields, "", &mut all);
    all
}

/// The paths of all fields and of the fields within them.
fn paths(fields: &[ClientField], prefix: &str, all: &mut BTreeSet<String>) {
    for field in fields {
        let path = json_path::path(prefix, field);
        all.insert(path.clone());
        paths(field.fields, &path, all);
    }
}
