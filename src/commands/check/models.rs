//! Checks the models of `[models]` without spending anything, and calls one model on request.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{RegionListing, Report};
use crate::bedrock::{BaseModel, Bedrock, Cause, Time, Trouble};
use crate::catalog::Tables;
use crate::commands::local::{chat_call, gateway};
use crate::config::{Config, ModelEntry};
use crate::dialects::openai_chat::service;
use crate::gateway::{ChatBody, Gateway};
use crate::models::{Capabilities, ChatUpstream, Endpoint, ModelId};

/// Checks every alias, and calls the model `called`.
pub(super) async fn check(
    config: &Config,
    bedrock: &Bedrock,
    listed: &RegionListing,
    called: Option<&str>,
    report: &mut Report,
) {
    let tables = match Tables::load(&config.catalog.files) {
        Ok(tables) => tables,
        Err(error) => {
            let remedy = "correct the file, or remove it from `[catalog]`";
            report.fail("catalog", &error, remedy);
            return;
        }
    };
    let gateway = match gateway(config, tables.clone(), bedrock.clone()) {
        Ok(gateway) => gateway,
        Err(error) => {
            report.trouble("gateway", &Trouble::of("Gateway", &error));
            return;
        }
    };
    // As in a running gateway, so that names resolve to the same ids.
    gateway.directory().fill(
        config.models.keys().map(String::as_str),
        listed.foundation.clone().unwrap_or_default(),
        listed.profiles.clone().unwrap_or_default(),
    );
    for (name, entry) in &config.models {
        check_alias(
            (name, entry),
            &gateway,
            config,
            bedrock,
            listed,
            &tables,
            report,
        )
        .await;
    }
    if let Some(name) = called {
        check_call(name, &gateway, &tables, report).await;
    }
}

/// Checks that the target of an alias exists and that the credentials may call it.
async fn check_alias(
    (name, entry): (&str, &ModelEntry),
    gateway: &Gateway,
    config: &Config,
    bedrock: &Bedrock,
    listed: &RegionListing,
    tables: &Tables,
    report: &mut Report,
) {
    let what = format!("model {name}");
    let resolved = match gateway.resolved(name) {
        Ok(resolved) => resolved,
        Err(error) => {
            report.fail(
                &what,
                &error.message.as_text(),
                "use a model that /v1/models lists",
            );
            return;
        }
    };
    let target = &resolved.target;
    if let Some(missing) = missing(target, listed) {
        report.fail(&what, &missing.finding, &missing.remedy);
        return;
    }
    let stated = config.base_models.get(target.as_str());
    let base = match (target.names_foundation_model(), stated) {
        (true, _) => None,
        (false, Some(stated)) => Some(BaseModel::Foundation(stated.foundation())),
        (false, None) => match bedrock.base_model(target).await {
            Ok(base) => Some(base),
            Err(error) => {
                let trouble = Trouble::of_error(&error);
                if trouble.cause != Cause::Permission {
                    report.trouble(&what, &trouble);
                    return;
                }
                // Calls do not need the base model.
                None
            }
        },
    };
    let (_, capabilities) = tables.resolved_model(target, base.as_ref());
    if let ChatUpstream::OpenAi(upstream) = entry.upstream.unwrap_or(capabilities.upstream) {
        let finding = format!(
            "{}, called through {}; use `outcrop check --model {name}` to call it",
            called_as(&entry.target, target),
            ChatUpstream::OpenAi(upstream).as_str()
        );
        report.ok(&what, &finding);
        return;
    }
    match gateway.probe(resolved).await {
        Ok(called) => {
            let called = called_as(&entry.target, &called);
            report.ok(&what, &format!("{called}, callable"));
        }
        Err(error) => report.trouble(&what, &Trouble::of_error(&error)),
    }
}

/// The id that is called, preceded by the configured id if they differ.
fn called_as(configured: &ModelId, called: &ModelId) -> String {
    match configured == called {
        true => called.to_string(),
        false => format!("{configured} -> {called}"),
    }
}

/// The problem of a model that the lists do not contain, or that has reached its end of life.
fn missing(target: &ModelId, listed: &RegionListing) -> Option<Trouble> {
    if target.as_str().starts_with("arn:") {
        return None;
    }
    let absent = |finding: String, remedy: String| {
        Some(Trouble {
            cause: Cause::Model,
            finding,
            remedy,
        })
    };
    let foundation = target.foundation_id();
    let models = listed.foundation.as_deref();
    let model = models.and_then(|models| models.iter().find(|model| model.model_id == foundation));
    if model.is_some_and(|model| model.has_ended(Time::now())) {
        return absent(
            format!("`{target}` has reached its end of life"),
            "use a newer model in `[models]`".to_owned(),
        );
    }
    let profiles = listed.profiles.as_deref();
    let serving = profiles.into_iter().flatten();
    let serving = serving.filter(|profile| profile.id.foundation_id() == foundation);
    let serving: Vec<&str> = serving.map(|profile| profile.id.as_str()).collect();
    let instead = match serving.is_empty() {
        true => "check the spelling and the region; /v1/models lists the models".to_owned(),
        false => format!("use one of its inference profiles: {}", serving.join(", ")),
    };
    if target.is_system_profile() {
        let is_listed = profiles.is_none() || serving.contains(&target.as_str());
        return match is_listed {
            true => None,
            false => absent(
                format!("the region has no inference profile `{target}`"),
                instead,
            ),
        };
    }
    models?;
    match model {
        None => absent(format!("the region has no model `{target}`"), instead),
        Some(_) => None,
    }
}

/// Calls a model like a client, for as few tokens as possible.
async fn check_call(name: &str, gateway: &Gateway, tables: &Tables, report: &mut Report) {
    let what = format!("model {name}");
    let resolved = match gateway.resolved(name) {
        Ok(resolved) => resolved,
        Err(error) => {
            report.fail(
                &what,
                &error.message.as_text(),
                "use a model that /v1/models lists",
            );
            return;
        }
    };
    let (_, capabilities) = tables.resolved_model(&resolved.target, None);
    if !chats(&capabilities) {
        match gateway.probe(resolved).await {
            Ok(_) => report.ok(&what, "callable (not called, since it is not a chat model)"),
            Err(error) => report.trouble(&what, &Trouble::of_error(&error)),
        }
        return;
    }
    match call(name, capabilities.min_max_tokens, gateway).await {
        Ok(tokens) => report.ok(&what, &format!("responded with {tokens} token(s)")),
        Err(trouble) => report.trouble(&what, &trouble),
    }
}

fn chats(capabilities: &Capabilities) -> bool {
    let endpoints = capabilities.endpoints();
    endpoints.is_empty() || endpoints.contains(&Endpoint::ChatCompletions)
}

/// Sends a short chat request; returns the number of output tokens.
async fn call(name: &str, max_tokens: u32, gateway: &Gateway) -> Result<u64, Trouble> {
    let ours = |error: String| Trouble::of("Gateway", &error);
    let body = json!({
        "model": name,
        "max_completion_tokens": max_tokens,
        "messages": [{"role": "user", "content": "Say: yes"}],
    });
    let call = chat_call("check", Bytes::from(body.to_string()));
    let call = call.map_err(|error| ours(error.to_string()))?;
    let ledger = Arc::clone(&call.ledger);
    let response = match service::create(gateway, call).await {
        Ok(response) => response,
        Err(error) => {
            return Err(match ledger.upstream_error() {
                Some((code, detail)) => Trouble::of(&code, &detail),
                None => ours(error.message.to_string()),
            });
        }
    };
    let ChatBody::Complete(json) = response.body else {
        return Ok(0);
    };
    let completion: Value =
        serde_json::from_slice(&json).map_err(|error| ours(error.to_string()))?;
    let tokens = completion.pointer("/usage/completion_tokens");
    Ok(tokens.and_then(Value::as_u64).unwrap_or_default())
}
