//! The models of `[models]`, each without spending anything, and one that is really called.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{RegionListing, Report};
use crate::bedrock::{BaseModel, Bedrock, Cause, Time, Trouble};
use crate::commands::local::{chat_call, pipeline};
use crate::config::{Config, ModelEntry, Tables};
use crate::models::{Capabilities, ChatUpstream, Endpoint, ModelId};
use crate::pipeline::{ChatBody, Pipeline};

/// Checks every name of `[models]`, and calls `called`.
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
            let remedy = "mend the file, or take it out of `[catalog]`";
            report.no("catalog", &error, remedy);
            return;
        }
    };
    let pipeline = match pipeline(config, tables.clone(), bedrock.clone()) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            report.trouble("gateway", &Trouble::of("Gateway", &error));
            return;
        }
    };
    // As in a gateway that has listed the models: names become the same ids.
    pipeline.directory().fill(
        config.models.keys().map(String::as_str),
        listed.foundation.clone().unwrap_or_default(),
        listed.profiles.clone().unwrap_or_default(),
    );
    for (name, entry) in &config.models {
        check_alias(
            (name, entry),
            &pipeline,
            config,
            bedrock,
            listed,
            &tables,
            report,
        )
        .await;
    }
    if let Some(name) = called {
        check_call(name, &pipeline, &tables, report).await;
    }
}

/// Whether the target of a name is there, and whether the credentials may call it.
async fn check_alias(
    (name, entry): (&str, &ModelEntry),
    pipeline: &Pipeline,
    config: &Config,
    bedrock: &Bedrock,
    listed: &RegionListing,
    tables: &Tables,
    report: &mut Report,
) {
    let what = format!("model {name}");
    let resolved = match pipeline.resolved(name) {
        Ok(resolved) => resolved,
        Err(error) => {
            report.no(&what, &error.message, "name a model that /v1/models lists");
            return;
        }
    };
    let target = &resolved.target;
    if let Some(missing) = missing(target, listed) {
        report.no(&what, &missing.finding, &missing.remedy);
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
                // Calls need no look at what the model is based on.
                None
            }
        },
    };
    let (_, capabilities) = tables.resolved_model(target, base.as_ref());
    if let ChatUpstream::OpenAi(upstream) = entry.upstream.unwrap_or(capabilities.upstream) {
        let finding = format!(
            "{}, called through {}; `outcrop check --model {name}` calls it",
            called_as(&entry.target, target),
            ChatUpstream::OpenAi(upstream).as_str()
        );
        report.yes(&what, &finding);
        return;
    }
    match pipeline.probe(resolved).await {
        Ok(called) => {
            let called = called_as(&entry.target, &called);
            report.yes(&what, &format!("{called}, may be called"));
        }
        Err(error) => report.trouble(&what, &Trouble::of_error(&error)),
    }
}

/// The id that is called, after the one that the operator wrote if that is another.
fn called_as(written: &ModelId, called: &ModelId) -> String {
    match written == called {
        true => called.to_string(),
        false => format!("{written} -> {called}"),
    }
}

/// What the lists say against a model, where there are lists.
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
            format!("`{target}` has reached the end of its life"),
            "name a newer model under `[models]`".to_owned(),
        );
    }
    let profiles = listed.profiles.as_deref();
    let serving = profiles.into_iter().flatten();
    let serving = serving.filter(|profile| profile.id.foundation_id() == foundation);
    let serving: Vec<&str> = serving.map(|profile| profile.id.as_str()).collect();
    let instead = match serving.is_empty() {
        true => "mind the spelling and the region; /v1/models lists what there is".to_owned(),
        false => format!("write one of its profiles instead: {}", serving.join(", ")),
    };
    if target.is_system_profile() {
        let is_listed = profiles.is_none() || serving.contains(&target.as_str());
        return match is_listed {
            true => None,
            false => absent(format!("the region has no profile `{target}`"), instead),
        };
    }
    models?;
    match model {
        None => absent(format!("the region has no model `{target}`"), instead),
        Some(_) => None,
    }
}

/// Calls a model as a client would, for as few tokens as it takes.
async fn check_call(name: &str, pipeline: &Pipeline, tables: &Tables, report: &mut Report) {
    let what = format!("model {name}");
    let resolved = match pipeline.resolved(name) {
        Ok(resolved) => resolved,
        Err(error) => {
            report.no(&what, &error.message, "name a model that /v1/models lists");
            return;
        }
    };
    let (_, capabilities) = tables.resolved_model(&resolved.target, None);
    if !chats(&capabilities) {
        match pipeline.probe(resolved).await {
            Ok(_) => report.yes(&what, "may be called (it does not chat, so it was not)"),
            Err(error) => report.trouble(&what, &Trouble::of_error(&error)),
        }
        return;
    }
    match call(name, capabilities.min_max_tokens, pipeline).await {
        Ok(tokens) => report.yes(&what, &format!("answered, {tokens} token(s)")),
        Err(trouble) => report.trouble(&what, &trouble),
    }
}

fn chats(capabilities: &Capabilities) -> bool {
    let endpoints = capabilities.endpoints();
    endpoints.is_empty() || endpoints.contains(&Endpoint::ChatCompletions)
}

/// The tokens of a response to a chat request of a few words.
async fn call(name: &str, max_tokens: u32, pipeline: &Pipeline) -> Result<u64, Trouble> {
    let ours = |error: String| Trouble::of("Gateway", &error);
    let body = json!({
        "model": name,
        "max_completion_tokens": max_tokens,
        "messages": [{"role": "user", "content": "Say: yes"}],
    });
    let call = chat_call("check", Bytes::from(body.to_string()));
    let call = call.map_err(|error| ours(error.to_string()))?;
    let record = Arc::clone(&call.record);
    let response = match pipeline.chat(call).await {
        Ok(response) => response,
        Err(refusal) => {
            let entries = record.entries();
            let detail = entries.unlogged_detail.as_deref().unwrap_or_default();
            return Err(match &entries.error {
                Some((code, _)) => Trouble::of(code, detail),
                None => ours(refusal.error.message),
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
