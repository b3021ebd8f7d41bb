//! Every field of the hub has a name in every dialect.

use outcrop::dialects::openai_chat::{ChatFieldNames, ChatRequest};
use outcrop::dialects::openai_completions::{CompletionFieldNames, CompletionRequest};
use outcrop::dialects::openai_responses::{ResponsesFieldNames, ResponsesRequest};
use outcrop::error::{Field, FieldNames};
use outcrop::wire::ClientField;

use crate::harness::fields::all_fields;

/// Whether a request with these fields has the path.
fn exists(path: &str, fields: &[ClientField]) -> bool {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let name = name.split('[').next().unwrap();
    let field = fields.iter().find(|field| field.name == name);
    // The fields of values that are kept as text are not known.
    field.is_some_and(|field| {
        rest.is_empty() || field.fields.is_empty() || exists(rest, field.fields)
    })
}

/// The fields with a path that the dialect's requests do not have.
fn unknown(names: &dyn FieldNames, fields: &[ClientField]) -> Vec<String> {
    let in_request = |field: &Field| !matches!(field, Field::Output(_));
    let paths = all_fields(0).into_iter().filter(in_request);
    let paths = paths.map(|field| names.path(&field));
    let mut unknown: Vec<String> = paths.filter(|path| !exists(path, fields)).collect();
    unknown.dedup();
    unknown
}

#[test]
fn every_field_has_a_path_in_a_chat_request() {
    // Notes name the breakpoints by their key alone.
    let unknown = unknown(&ChatFieldNames, ChatRequest::FIELDS);
    assert_eq!(unknown, ["cache_control", "cache_control.ttl"]);
}

#[test]
fn every_field_has_a_path_in_a_completion_request() {
    for prompt in [None, Some(2)] {
        let names = CompletionFieldNames { prompt };
        let unknown = unknown(&names, CompletionRequest::FIELDS);
        assert_eq!(unknown, [""; 0]);
    }
}

#[test]
fn every_field_has_a_path_in_a_responses_request() {
    // A header sets these, an unknown key that the operator allows, or nothing.
    let elsewhere = ["stop", "frequency_penalty", "presence_penalty", "n", "key"];
    let names = ResponsesFieldNames::default();
    assert_eq!(unknown(&names, ResponsesRequest::FIELDS), elsewhere);
}
