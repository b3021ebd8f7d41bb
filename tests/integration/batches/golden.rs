//! Golden folders of batches: the lines of the client's file (`request.jsonl`), the records of each
//! model's job (`upstream.request.MODEL.jsonl`), errors of lines (`error.txt`), and, if the case has
//! a job's results (`upstream.response.jsonl`), the lines of the output file and the error file.

use std::collections::BTreeMap;

use outcrop::batches::wire::{
    BatchEndpoint, BatchFormat, BatchRequest, BatchRequestLine, LineReader, ResultIds, error_line,
    response_line,
};
use outcrop::bedrock::record_error;
use outcrop::bedrock::{JobRecord, JobResult, line_of, record_id};
use outcrop::converse::translation::ChatTranslation;
use outcrop::error::{ApiError, ErrorCode};
use outcrop::reply::Adjustments;
use serde_json::Value;

use crate::harness::golden::{Case, Outputs, run};
use crate::harness::translation::{responses_format, responses_translated, translated};

#[test]
fn every_batch_case_matches_its_golden_folder() {
    run("batches", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let input = case.text("request.jsonl");
    let endpoint = endpoint_of(&input);
    let mut reader = LineReader::new(endpoint);
    let mut jobs: BTreeMap<String, String> = BTreeMap::new();
    let mut errors = String::new();
    for (number, line) in input.lines().enumerate() {
        match record(&mut reader, endpoint, number, line) {
            Ok((model, record)) => {
                let job = jobs.entry(model).or_default();
                job.push_str(&record);
                job.push('\n');
            }
            Err(error) => {
                let code = error.code.map_or("", ErrorCode::as_str);
                let path = error.path();
                let parameter = path.as_deref().unwrap_or("-");
                errors.push_str(&format!("{}: {code} {parameter}: {error}\n", number + 1));
            }
        }
    }
    for (model, records) in &jobs {
        let model = model.replace(':', "_");
        outputs.text(&format!("upstream.request.{model}.jsonl"), records);
    }
    if !errors.is_empty() {
        outputs.text("error.txt", &errors);
    }
    let Some(results) = case.optional("upstream.response.jsonl") else {
        return Ok(());
    };
    let lines: Vec<&str> = input.lines().collect();
    let (mut output_file, mut error_file) = (String::new(), String::new());
    for line in results.lines() {
        let (succeeded, result) = result(endpoint, &lines, line);
        let file = if succeeded {
            &mut output_file
        } else {
            &mut error_file
        };
        file.push_str(&result);
        file.push('\n');
    }
    outputs.text("response.jsonl", &output_file);
    outputs.text("response.errors.jsonl", &error_file);
    Ok(())
}

/// The endpoint that the first line names.
fn endpoint_of(input: &str) -> BatchEndpoint {
    let is_responses = input.lines().next().unwrap().contains("/v1/responses");
    match is_responses {
        true => BatchEndpoint::Responses,
        false => BatchEndpoint::ChatCompletions,
    }
}

/// The model of a line and the record of its job.
fn record(
    reader: &mut LineReader,
    endpoint: BatchEndpoint,
    number: usize,
    line: &str,
) -> Result<(String, String), ApiError> {
    let line = reader.read(line.as_bytes())?;
    let request = request_of(endpoint, &line);
    request.check()?;
    let model = request.model_name()?;
    let ChatTranslation { converse, .. } = translation(request)?;
    let record = JobRecord {
        record_id: &record_id(number),
        model_input: &converse,
    };
    Ok((model, serde_json::to_string(&record).unwrap()))
}

/// Whether a result succeeded, and its line in the output file or the error file.
fn result(endpoint: BatchEndpoint, lines: &[&str], line: &str) -> (bool, String) {
    let result: JobResult = serde_json::from_str(line).unwrap();
    let number = line_of(&result.record_id).unwrap();
    let request = BatchRequestLine::of_checked(lines[number].as_bytes()).unwrap();
    let ids = ResultIds {
        id: "batch_req_golden",
        custom_id: &request.custom_id,
        request_id: "req_golden",
    };
    let Some(response) = result.model_output else {
        let error = record_error(&result.error.unwrap_or_default()).api_error;
        return (false, error_line(ids, &error).unwrap());
    };
    let request = request_of(endpoint, &request);
    let format = format_of(&request);
    let ChatTranslation {
        output_options,
        adjustments,
        ..
    } = translation(request).unwrap();
    let (json, _) = format.json(response, output_options).unwrap();
    (true, response_line(ids, &json, &adjustments).unwrap())
}

fn request_of(endpoint: BatchEndpoint, line: &BatchRequestLine) -> BatchRequest {
    BatchRequest::parse(endpoint, line.body.as_str().as_bytes()).unwrap()
}

fn translation(request: BatchRequest) -> Result<ChatTranslation, ApiError> {
    match request {
        BatchRequest::Chat(request) => translated(*request),
        BatchRequest::Responses(request) => responses_translated(*request),
    }
}

fn format_of(request: &BatchRequest) -> BatchFormat {
    match request {
        BatchRequest::Chat(_) => BatchFormat::Chat {
            id: "chatcmpl-golden".to_owned(),
            created: 1_700_000_000,
            model: request.model_name().unwrap(),
        },
        BatchRequest::Responses(request) => {
            BatchFormat::Responses(Box::new(responses_format(request)))
        }
    }
}

#[test]
fn a_result_without_adjustments_omits_the_field() {
    let ids = ResultIds {
        id: "a",
        custom_id: "b",
        request_id: "c",
    };
    let line = response_line(ids, b"{}", &Adjustments::default()).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["response"].get("adjustments"), None);
}
