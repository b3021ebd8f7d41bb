//! The models of `[models]`, each without spending anything, and one that is really called.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Listed, Report};
use crate::bedrock::{BaseModel, Bedrock, Call, Cause, Time, Trouble};
use crate::config::{Config, ModelEntry, Tables};
use crate::fetch::Fetcher;
use crate::identity::Caller;
use crate::models::{Endpoint, Facts, ModelId, Surface};
use crate::pipeline::{ChatBody, ChatCall, HeaderOptions, Pipeline};
use crate::record::Record;

/// Checks every name of `[models]`, and calls `called`.
pub(super) async fn check(
    config: &Config,
    bedrock: &Bedrock,
    listed: &Listed,
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
    for (name, entry) in &config.models {
        check_alias(name, entry, config, bedrock, listed, &tables, report).await;
    }
    if let Some(name) = called {
        check_call(name, config, bedrock, tables, report).await;
    }
}

/// Whether the target of a name is there, and whether the credentials may call it.
async fn check_alias(
    name: &str,
    entry: &ModelEntry,
    config: &Config,
    bedrock: &Bedrock,
    listed: &Listed,
    tables: &Tables,
    report: &mut Report,
) {
    let what = format!("model {name}");
    let target = &entry.target;
    if let Some(missing) = missing(target, listed) {
        report.no(&what, &missing.found, &missing.remedy);
        return;
    }
    let stated = config.base_models.get(target.as_str());
    let base = match (target.says_its_foundation(), stated) {
        (true, _) => None,
        (false, Some(stated)) => Some(BaseModel::Foundation(stated.foundation())),
        (false, None) => match bedrock.base_model(target).await {
            Ok(base) => Some(base),
            Err(failure) => {
                let trouble = Trouble::of_failure(&failure);
                if trouble.cause != Cause::Permission {
                    report.trouble(&what, &trouble);
                    return;
                }
                // Calls need no look at what the model is based on.
                None
            }
        },
    };
    let (_, facts) = tables.known_as(target, base.as_ref());
    if let Surface::OpenAi(surface) = entry.surface.unwrap_or(facts.surface) {
        let found = format!(
            "{target}, called through {}; `outcrop check --model {name}` calls it",
            Surface::OpenAi(surface).as_str()
        );
        report.yes(&what, &found);
        return;
    }
    match permitted(bedrock, target).await {
        Ok(()) => report.yes(&what, &format!("{target}, may be called")),
        Err(trouble) => report.trouble(&what, &trouble),
    }
}

/// Whether the credentials may call a model: a conversation of nothing is refused as such by
/// whoever would have taken it, and costs nothing.
async fn permitted(bedrock: &Bedrock, model: &ModelId) -> Result<(), Trouble> {
    let nothing = Bytes::from_static(br#"{"messages":[]}"#);
    match bedrock.converse(Call::new(model.clone(), nothing)).await {
        Ok(_) => Ok(()),
        Err(failure) => match Trouble::of_failure(&failure) {
            trouble if trouble.cause == Cause::Request => Ok(()),
            trouble => Err(trouble),
        },
    }
}

/// What the lists say against a model, where there are lists.
fn missing(target: &ModelId, listed: &Listed) -> Option<Trouble> {
    if target.as_str().starts_with("arn:") {
        return None;
    }
    let absent = |found: String, remedy: String| {
        Some(Trouble {
            cause: Cause::Model,
            found,
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
        Some(model) if !model.is_on_demand() && !serving.is_empty() => absent(
            format!("`{target}` does not answer by its own id"),
            format!(
                "ask for an inference profile instead of the bare id: {}",
                serving.join(", ")
            ),
        ),
        Some(_) => None,
    }
}

/// Calls a model as a client would, for as few tokens as it takes.
async fn check_call(
    name: &str,
    config: &Config,
    bedrock: &Bedrock,
    tables: Tables,
    report: &mut Report,
) {
    let what = format!("model {name}");
    let target = match config.models.get(name) {
        Some(entry) => Ok(entry.target.clone()),
        None => ModelId::parse(name),
    };
    let target = match target {
        Ok(target) => target,
        Err(error) => {
            let remedy = "name a model that /v1/models lists";
            report.no(&what, &error.to_string(), remedy);
            return;
        }
    };
    let (_, facts) = tables.known_as(&target, None);
    if !chats(&facts) {
        match permitted(bedrock, &target).await {
            Ok(()) => report.yes(&what, "may be called (it does not chat, so it was not)"),
            Err(trouble) => report.trouble(&what, &trouble),
        }
        return;
    }
    match call(name, facts.least_max_tokens, config, bedrock, tables).await {
        Ok(tokens) => report.yes(&what, &format!("answered, {tokens} token(s)")),
        Err(trouble) => report.trouble(&what, &trouble),
    }
}

fn chats(facts: &Facts) -> bool {
    let endpoints = facts.endpoints();
    endpoints.is_empty() || endpoints.contains(&Endpoint::ChatCompletions)
}

/// The tokens of a response to a chat request of a few words.
async fn call(
    name: &str,
    max_tokens: u32,
    config: &Config,
    bedrock: &Bedrock,
    tables: Tables,
) -> Result<u64, Trouble> {
    let ours = |error: String| Trouble::of("Gateway", &error);
    let body = json!({
        "model": name,
        "max_completion_tokens": max_tokens,
        "messages": [{"role": "user", "content": "Say: yes"}],
    });
    let body = Bytes::from(body.to_string());
    let request = serde_json::from_slice(&body).map_err(|error| ours(error.to_string()))?;
    let fetcher = Fetcher::new(&config.fetch).map_err(|error| ours(error.to_string()))?;
    let pipeline = Pipeline::new(config, tables, bedrock.clone(), fetcher);
    let record = Arc::new(Record::new(String::new(), "check".to_owned(), None));
    let call = ChatCall {
        caller: Caller::new("local"),
        request,
        body,
        permit: None,
        headers: HeaderOptions::default(),
        record: Arc::clone(&record),
    };
    let answer = match pipeline.chat(call).await {
        Ok(answer) => answer,
        Err(refused) => {
            let entries = record.entries();
            let detail = entries.unlogged_detail.as_deref().unwrap_or_default();
            return Err(match &entries.failure {
                Some((code, _)) => Trouble::of(code, detail),
                None => ours(refused.fault.message),
            });
        }
    };
    let ChatBody::Whole(json) = answer.body else {
        return Ok(0);
    };
    let completion: Value =
        serde_json::from_slice(&json).map_err(|error| ours(error.to_string()))?;
    let tokens = completion.pointer("/usage/completion_tokens");
    Ok(tokens.and_then(Value::as_u64).unwrap_or_default())
}
