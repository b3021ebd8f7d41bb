//! Golden folders of `/v1/moderations`: `tests/golden/moderations/CASE/` holds a client's request,
//! what the operator has set (`settings.json`), the requests to Bedrock that it becomes, Bedrock's
//! answers to them, and what the client gets.

use std::fs;
use std::path::Path;

use outcrop::error::ApiError;
use outcrop::openai::chat::RemoteFiles;
use outcrop::openai::error::ErrorBody;
use outcrop::openai::moderations::{
    CheckOptions, Findings, Moderation, ModerationItem, ModerationRequest, apply_request,
    checks_request, of_checks, of_guardrail, response, translate,
};
use serde::Deserialize;
use serde_json::Value;

use crate::chat::golden::{cases, compare};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    guardrail: bool,
    threshold: f64,
    prompt_attack: bool,
    sensitive_information: bool,
}

#[test]
fn every_case_matches_its_golden_folder() {
    for case in cases("moderations") {
        check(&case);
    }
}

fn check(case: &Path) {
    let read = |name: &str| fs::read_to_string(case.join(name)).unwrap();
    let request: ModerationRequest = serde_json::from_str(&read("request.json")).unwrap();
    let settings: Settings = serde_json::from_str(&read("settings.json")).unwrap();
    let moderation_request = translate(request).and_then(|moderation| {
        let moderation_request = moderation_request(&moderation.items, &settings)?;
        Ok((moderation, moderation_request))
    });
    let (moderation, moderation_request) = match moderation_request {
        Ok(moderation_request) => moderation_request,
        Err(error) => {
            let error = serde_json::to_string_pretty(&ErrorBody::from(&error)).unwrap();
            return compare(case, "error.json", &error);
        }
    };
    let pretty = serde_json::to_string_pretty(&moderation_request).unwrap();
    compare(case, "upstream.request.json", &pretty);
    let Moderation {
        model,
        items,
        adjustments,
    } = moderation;
    let notes: Vec<String> = adjustments.iter().map(ToString::to_string).collect();
    compare(case, "adjustments.txt", &notes.join("\n"));
    let results: Vec<Value> = serde_json::from_str(&read("upstream.response.json")).unwrap();
    assert_eq!(
        results.len(),
        moderation_request.len(),
        "{}",
        case.display()
    );
    let findings = items.iter().zip(results);
    let findings = findings.map(|(item, results)| (item.kinds(), findings_of(results, &settings)));
    let findings: Vec<_> = findings.collect();
    let json = response("modr-golden", &model, &findings).unwrap();
    let pretty: Value = serde_json::from_slice(&json).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    compare(case, "response.json", &pretty);
}

fn moderation_request(
    items: &[ModerationItem],
    settings: &Settings,
) -> Result<Vec<Value>, ApiError> {
    let options = CheckOptions {
        prompt_attack: settings.prompt_attack,
        sensitive_information: settings.sensitive_information,
    };
    let moderation_request = items.iter().cloned().map(|item| match settings.guardrail {
        true => apply_request(item, &RemoteFiles::new()).map(|r| serde_json::to_value(r).unwrap()),
        false => checks_request(item, options).map(|r| serde_json::to_value(r).unwrap()),
    });
    moderation_request.collect()
}

fn findings_of(results: Value, settings: &Settings) -> Findings {
    match settings.guardrail {
        true => of_guardrail(serde_json::from_value(results).unwrap()),
        false => of_checks(serde_json::from_value(results).unwrap(), settings.threshold),
    }
}
