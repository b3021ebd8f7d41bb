//! The life of a moderation request: each input goes to Bedrock's guardrail checks or to the
//! operator's guardrail, and the results are combined.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use crate::config::ModerationSettings;
use crate::converse::media::fetched_length;
use crate::converse::policy::GuardrailPolicy;
use crate::endpoints::moderations::{
    CheckOptions, Findings, Moderation, ModerationItem, ModerationRequest, apply_request,
    checks_request, of_checks, of_guardrail, response, translate,
};
use crate::error::{ApiError, Field};
use crate::gateway::FailedCall;
use crate::gateway::Gateway;
use crate::gateway::{CallerRequest, UpstreamBodies};
use crate::identity::Caller;
use crate::limits::Demand;
use crate::reply::Reply;
use crate::resources::body_memory::BodyPermit;
use crate::resources::ids::response_id;
use crate::usage::{Charge, Ledger, Target, Units, Upstream};

/// The model name of Bedrock's own checks in limits and logs.
const CHECKS: &str = "guardrail-checks";

/// Handles a moderation request.
pub(super) async fn moderate(
    gateway: &Gateway,
    settings: &ModerationSettings,
    call: CallerRequest<ModerationRequest>,
) -> Result<Reply, ApiError> {
    let CallerRequest {
        caller,
        request,
        memory,
        ledger,
    } = call;
    let Moderation {
        model,
        items,
        adjustments,
    } = {
        let translate = || translate(request);
        gateway
            .workers()
            .on_body(memory.length(), translate)
            .await?
    };
    let kinds: Vec<_> = items.iter().map(ModerationItem::kinds).collect();
    ledger.model_requested(&model);
    ledger.adjusted(adjustments.log_value());
    let findings = match &settings.guardrail {
        Some(policy) => {
            let items = (items, memory);
            apply_guardrail_to(gateway, &caller, policy, items, &ledger).await?
        }
        None => run_checks(gateway, settings, &caller, (items, memory), &ledger).await?,
    };
    let units = findings.iter().map(|findings| findings.text_units).sum();
    // No table has the price of a text unit.
    let charge = Charge::of_units(Units::TextUnits(units), None);
    ledger.charge(charge);
    let scored: Vec<_> = kinds.into_iter().zip(findings).collect();
    let json =
        response(&response_id("modr-"), &model, &scored).map_err(|_| ApiError::internal())?;
    Ok(Reply {
        body: json.into(),
        adjustments,
        cost: Some(charge.cost),
    })
}

/// Calls Bedrock's own checks.
async fn run_checks(
    gateway: &Gateway,
    settings: &ModerationSettings,
    caller: &Caller,
    (items, memory): (Vec<ModerationItem>, BodyPermit),
    ledger: &Arc<Ledger>,
) -> Result<Vec<Findings>, ApiError> {
    let options = CheckOptions {
        prompt_attack: settings.prompt_attack,
        sensitive_information: settings.sensitive_information,
    };
    let several = items.len() > 1;
    let write = || {
        let requests = items.into_iter();
        let requests = requests.map(|item| checks_request(item, options));
        bodies(requests)
    };
    let bodies = gateway.workers().on_body(memory.length(), write).await?;
    let upstream_bodies = UpstreamBodies::new(bodies, 0, memory);
    let name = Arc::from(CHECKS);
    ledger.target(Target::Guardrail(Arc::clone(&name)));
    let bedrock = &gateway.bedrock_for(ledger, Upstream::Guardrails);
    let send = |body| async move {
        let response = bedrock.invoke_guardrail_checks(body).await?;
        Ok(of_checks(response, settings.threshold()))
    };
    let free = Demand::free();
    let admission = (None, &free);
    let responses = gateway
        .fan_out(caller, &name, upstream_bodies, ledger, admission, send)
        .await;
    responses.map_err(|failed| with_parameter(failed, several))
}

/// Calls the operator's guardrail.
async fn apply_guardrail_to(
    gateway: &Gateway,
    caller: &Caller,
    policy: &GuardrailPolicy,
    (items, mut memory): (Vec<ModerationItem>, BodyPermit),
    ledger: &Arc<Ledger>,
) -> Result<Vec<Findings>, ApiError> {
    let (guardrail, version) = (
        policy.config.guardrail_identifier.as_str(),
        policy.config.guardrail_version.as_str(),
    );
    let name = Arc::from(guardrail);
    ledger.target(Target::Guardrail(Arc::clone(&name)));
    let addresses: Vec<_> = items
        .iter()
        .flat_map(ModerationItem::remote_addresses)
        .collect();
    let fetching = gateway.fetch_admitted(caller, &name, addresses, &mut memory, ledger);
    let (fetched, permit) = fetching.await?;
    let several = items.len() > 1;
    let length = memory.length().saturating_add(fetched_length(&fetched));
    let write = move || {
        let requests = items.into_iter();
        let requests = requests.map(|item| apply_request(item, &fetched));
        bodies(requests)
    };
    let bodies = gateway.workers().on_body(length, write).await?;
    let upstream_bodies = UpstreamBodies::new(bodies, 0, memory);
    let bedrock = &gateway.bedrock_for(ledger, Upstream::Guardrails);
    let send = |body| async move {
        let response = bedrock.apply_guardrail(guardrail, version, body);
        Ok(of_guardrail(response.await?))
    };
    let free = Demand::free();
    let admission = (permit, &free);
    let responses = gateway
        .fan_out(caller, &name, upstream_bodies, ledger, admission, send)
        .await;
    responses.map_err(|failed| with_parameter(failed, several))
}

/// Serializes the requests.
fn bodies<T: Serialize>(
    requests: impl Iterator<Item = Result<T, ApiError>>,
) -> Result<Vec<Bytes>, ApiError> {
    let write = |request: Result<T, ApiError>| {
        let body = serde_json::to_vec(&request?).map_err(|_| ApiError::internal())?;
        Ok(body.into())
    };
    requests.map(write).collect()
}

/// The error of one input, named by its index if there are several.
fn with_parameter(failed: FailedCall, several: bool) -> ApiError {
    let FailedCall {
        position,
        mut error,
    } = failed;
    if error.parameter == Some(Field::Messages.into()) {
        let path = match position.filter(|_| several) {
            Some(position) => format!("input[{position}]"),
            None => "input".to_owned(),
        };
        error.parameter = Some(path.into());
    }
    error
}
