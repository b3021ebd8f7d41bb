//! Golden folders of `/v1/moderations`. `settings.json` contains the operator's settings; upstream
//! requests and responses are lists, one for each input.

use outcrop::converse::media::RemoteFiles;
use outcrop::endpoints::moderations::{
    CheckOptions, Findings, Moderation, ModerationItem, ModerationRequest, apply_request,
    checks_request, of_checks, of_guardrail, response,
};
use outcrop::error::ApiError;
use serde::Deserialize;
use serde_json::Value;

use crate::harness::golden::{Case, Outputs, RESPONSE, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, run};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    guardrail: bool,
    threshold: f64,
    prompt_attack: bool,
    sensitive_information: bool,
}

#[test]
fn every_moderations_case_matches_its_golden_folder() {
    run("moderations", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: ModerationRequest = case.request();
    let settings: Settings = case.json("settings.json");
    let Moderation {
        model,
        items,
        adjustments,
    } = outcrop::endpoints::moderations::translate(request)?;
    let upstream_requests = upstream_requests(&items, &settings)?;
    outputs.json(UPSTREAM_REQUEST, &upstream_requests);
    outputs.adjustments(adjustments.iter());
    let results: Vec<Value> = case.json(UPSTREAM_RESPONSE);
    assert_eq!(results.len(), upstream_requests.len(), "{}", case.name());
    let findings = items.iter().zip(results);
    let findings = findings.map(|(item, result)| (item.kinds(), findings_of(result, &settings)));
    let findings: Vec<_> = findings.collect();
    outputs.reformatted(
        RESPONSE,
        &response("modr-golden", &model, &findings).unwrap(),
    );
    Ok(())
}

fn upstream_requests(
    items: &[ModerationItem],
    settings: &Settings,
) -> Result<Vec<Value>, ApiError> {
    let options = CheckOptions {
        prompt_attack: settings.prompt_attack,
        sensitive_information: settings.sensitive_information,
    };
    let requests = items.iter().cloned().map(|item| match settings.guardrail {
        true => apply_request(item, &RemoteFiles::new()).map(|r| serde_json::to_value(r).unwrap()),
        false => checks_request(item, options).map(|r| serde_json::to_value(r).unwrap()),
    });
    requests.collect()
}

fn findings_of(result: Value, settings: &Settings) -> Findings {
    match settings.guardrail {
        true => of_guardrail(serde_json::from_value(result).unwrap()),
        false => of_checks(serde_json::from_value(result).unwrap(), settings.threshold),
    }
}
