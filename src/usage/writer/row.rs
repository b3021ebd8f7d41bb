//! The stored form of a record.

use std::time::UNIX_EPOCH;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::models::{Routing, Tier, Usd};
use crate::store::StoredUsage;
use crate::usage::{Cost, Identity, RequestOutcome, Target, Units, Upstream, UsageRecord};

/// The day of a time in the time zone, such as `2026-11-22`.
pub fn day_of(at: SystemTime, zone: &TimeZone) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone()).date().to_string()
}

/// The stored form of a record; `None` for requests that are not stored: those without a valid
/// credential, which anybody can send in any number, and those that name no model.
pub(super) fn stored(record: &UsageRecord, zone: &TimeZone) -> Option<StoredUsage> {
    let UsageRecord {
        head,
        at,
        route,
        upstream_request_ids,
        caller,
        identity,
        rejected_key: _,
        model,
        target,
        upstream,
        region,
        stream,
        tier_requested,
        tier_served,
        request_bytes,
        tokens,
        estimated,
        units,
        cost,
        status,
        outcome,
        finish_reason,
        guardrail_intervened,
        error,
        attempts,
        refused_limit: _,
        failed_attempts,
        queued,
        overhead: _,
        first_token,
        duration,
        adjustments,
        withheld_calls,
        undelivered,
    } = record;
    let caller = caller.as_ref()?;
    if model.is_none() && target.is_none() {
        return None;
    }
    let tags = (!caller.tags.is_empty()).then(|| serde_json::to_string(&caller.tags).ok());
    let breakdown = cost.and_then(|cost| cost.breakdown);
    let nanodollars = |amount: fn(_) -> Usd| breakdown.map(|cost| amount(cost).nanodollars());
    let (unit, units) = units.map_or((None, None), |units| {
        (
            Some(unit_name(units).to_owned()),
            Some(number(units.count())),
        )
    });
    Some(StoredUsage {
        at: unix_milliseconds(*at),
        id: head.request_id.clone(),
        day: day_of(*at, zone),
        client_request_id: head.client_request_id.clone(),
        upstream_request_ids: (!upstream_request_ids.is_empty())
            .then(|| upstream_request_ids.join(",")),
        caller: caller.id.to_string(),
        caller_name: caller.name.to_string(),
        key_id: caller.key_id.as_deref().map(str::to_owned),
        team: caller.team.as_deref().map(str::to_owned),
        user: caller.user.as_deref().map(str::to_owned),
        identity: identity.map(|identity| identity_name(identity).to_owned()),
        tags: tags.flatten(),
        method: head.method.as_ref().map(ToString::to_string),
        route: route.clone().into_owned(),
        upstream: upstream.map(|upstream| upstream_name(upstream).to_owned()),
        stream: *stream,
        model_requested: model.clone(),
        model_id: target.as_ref().map(|target| target.id().to_owned()),
        foundation_id: target
            .as_ref()
            .and_then(Target::foundation_id)
            .map(str::to_owned),
        account: target.as_ref().and_then(Target::account).map(str::to_owned),
        region: region.as_deref().map(str::to_owned),
        routing: target
            .as_ref()
            .and_then(Target::routing)
            .map(|routing| Routing::as_str(routing).to_owned()),
        tier_requested: tier_requested.map(|tier| Tier::as_str(tier).to_owned()),
        tier_served: tier_served.map(|tier| Tier::as_str(tier).to_owned()),
        request_bytes: number(*request_bytes),
        client_retries: i64::from(head.client_retries),
        input_tokens: tokens.map(|tokens| number(tokens.prompt)),
        cache_read_tokens: tokens.map(|tokens| number(tokens.cached)),
        cache_write_5m_tokens: tokens.map(|tokens| number(tokens.billed().cache_write_5m)),
        cache_write_1h_tokens: tokens.map(|tokens| number(tokens.cache_write_one_hour)),
        output_tokens: tokens.map(|tokens| number(tokens.completion)),
        reasoning_tokens: tokens.map(|tokens| number(tokens.reasoning)),
        unit,
        units,
        estimated: *estimated,
        input_cost: nanodollars(|cost| cost.input),
        cache_read_cost: nanodollars(|cost| cost.cache_read),
        cache_write_cost: nanodollars(|cost| cost.cache_write),
        output_cost: nanodollars(|cost| cost.output),
        units_cost: nanodollars(|cost| cost.units),
        cost: cost.and_then(Cost::total).map(Usd::nanodollars),
        cache_savings: cost.and_then(|cost| cost.saved).map(Usd::nanodollars),
        priced: cost.is_none_or(|cost| cost.breakdown.is_some()),
        status: status.map(i64::from),
        outcome: outcome_name(*outcome).to_owned(),
        finish_reason: finish_reason.map(str::to_owned),
        guardrail_intervened: *guardrail_intervened,
        error_code: error.as_ref().map(|error| error.code.clone()),
        attempts: i64::from(*attempts),
        failed_attempts: i64::from(failed_attempts.sum()),
        throttled_attempts: i64::from(failed_attempts.throttled),
        queued_ms: queued.map(milliseconds),
        time_to_first_token_ms: first_token.map(milliseconds),
        duration_ms: milliseconds(*duration),
        adjustments: adjustments.clone(),
        withheld_tool_calls: number(*withheld_calls),
        undelivered_events: number(*undelivered),
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn unix_milliseconds(at: SystemTime) -> i64 {
    milliseconds(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn unit_name(units: Units) -> &'static str {
    match units {
        Units::Images(_) => "images",
        Units::Seconds(_) => "seconds",
        Units::Queries(_) => "queries",
        Units::TextUnits(_) => "text_units",
    }
}

fn identity_name(identity: Identity) -> &'static str {
    match identity {
        Identity::Key => "key",
        Identity::Signature => "sigv4",
        Identity::Jwt => "jwt",
    }
}

fn upstream_name(upstream: Upstream) -> &'static str {
    match upstream {
        Upstream::Converse => "converse",
        Upstream::InvokeModel => "invoke",
        Upstream::RuntimeChatCompletions => "runtime_openai",
        Upstream::MantleChatCompletions => "mantle",
        Upstream::AsyncInvoke => "async",
        Upstream::CountTokens => "count_tokens",
        Upstream::Guardrails => "guardrails",
        Upstream::BatchJob => "batch",
    }
}

fn outcome_name(outcome: RequestOutcome) -> &'static str {
    match outcome {
        RequestOutcome::Abandoned => "abandoned",
        RequestOutcome::Completed => "completed",
        RequestOutcome::Broken => "broken",
    }
}
