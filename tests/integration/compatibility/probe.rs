//! The effect of a field: the translation of a request with it, compared to one without it.

use std::sync::Arc;

use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;
use outcrop::converse::output::OutputOptions;
use outcrop::converse::rules::AllowedCalls;
use outcrop::converse::translation::{ChatOptions, ChatTranslation, TranslationContext};
use outcrop::dialects::openai_chat::translate;
use outcrop::error::{ApiError, ErrorCode};
use outcrop::models::{ChatUpstream, ModelId};
use outcrop::reply::Adjustments;
use serde_json::Value;

use super::difference::{code, difference};
use super::json_path::{general, put};
use super::samples::{Model, Row, Samples, Topic};

/// The outcome of a field without an effect.
pub const NO_CHANGE: &str = "accepted, no effect";

pub struct Probe<'a> {
    samples: &'a Samples,
    tables: Tables,
    options: ChatOptions,
}

/// An outcome, and the models that have it.
struct Group<'a> {
    outcome: String,
    models: Vec<&'a str>,
}

impl<'a> Probe<'a> {
    /// Uses the default settings, but no automatic cache points, which would appear in every row.
    pub fn new(samples: &'a Samples) -> Self {
        Self {
            samples,
            tables: Tables::load(&ModelFiles::default()).unwrap(),
            options: ChatOptions {
                automatic_caching: false,
                ..ChatOptions::default()
            },
        }
    }

    /// The same, with automatic cache points.
    pub fn with_caching(mut self) -> Self {
        self.options.automatic_caching = true;
        self
    }

    /// The table of a topic: one row for each sample.
    pub fn table(&self, topic: &Topic) -> Vec<String> {
        let mut lines = vec![
            "| field | value | handling | other models |".to_owned(),
            "| --- | --- | --- | --- |".to_owned(),
        ];
        for row in &topic.rows {
            let path = || format!("`{}`", general(&row.at));
            let json = || code(&row.value);
            let name = row.name.clone().unwrap_or_else(path);
            let value = row.display_value.clone().unwrap_or_else(json);
            let (majority, minority) = self.outcomes(row);
            let cells = [name, value, majority, minority].map(|cell| cell.replace('|', "\\|"));
            lines.push(format!("| {} |", cells.join(" | ")).replace("|  |", "| |"));
        }
        lines
    }

    /// The outcome of most models, and the outcomes of the others.
    fn outcomes(&self, row: &Row) -> (String, String) {
        let base = self.samples.base(&row.base);
        let request = put(base.clone(), &row.at, row.value.clone());
        let mut groups: Vec<Group<'_>> = Vec::new();
        for model in &self.samples.models {
            let Some(outcome) = self.outcome(model, base, &request) else {
                continue;
            };
            // The row already names the field.
            let outcome = outcome.replace(&format!("“`{}`: ", general(&row.at)), "“");
            match groups.iter_mut().find(|group| group.outcome == outcome) {
                Some(group) => group.models.push(&model.name),
                None => groups.push(Group {
                    outcome,
                    models: vec![&model.name],
                }),
            }
        }
        // Stable sort: the first of the largest groups wins.
        groups.sort_by_key(|group| std::cmp::Reverse(group.models.len()));
        let mut groups = groups.into_iter();
        let majority = groups
            .next()
            .expect("a model that accepts the base request");
        let minority: Vec<_> = groups
            .map(|group| format!("{}: {}", group.models.join(", "), group.outcome))
            .collect();
        (majority.outcome, minority.join("<br>"))
    }

    /// The effect of what `request` has beyond `base`; `None` if the model refuses `base`.
    pub fn outcome(&self, model: &Model, base: &Value, request: &Value) -> Option<String> {
        let base = self.translate(model, base).ok()?;
        let descriptions = match self.translate(model, request) {
            Err(error) => vec![error_text(&error)],
            Ok(translated) => changes(&base, &translated),
        };
        Some(match descriptions.is_empty() {
            true => NO_CHANGE.to_owned(),
            false => descriptions.join("; "),
        })
    }

    fn translate(&self, model: &Model, request: &Value) -> Result<ChatTranslation, ApiError> {
        let model = ModelId::parse(&model.id).unwrap();
        let capabilities = Arc::clone(self.tables.capabilities.capabilities(&model));
        let row = self.tables.prices.row(&model);
        let context = TranslationContext {
            capabilities: &capabilities,
            upstream: ChatUpstream::Converse,
            output_limit: row.and_then(|row| row.max_output),
            options: &self.options,
            recall: &|_| None,
            unseal: &|_| None,
            origin: &Arc::default(),
            dropped_share: 0,
            without_reasoning: false,
            fetched: self.samples.fetched(),
        };
        translate(serde_json::from_value(request.clone()).unwrap(), &context)
    }
}

fn error_text(error: &ApiError) -> String {
    format!(
        "**refused**, `{}`",
        error.code.map_or("", ErrorCode::as_str)
    )
}

fn changes(base: &ChatTranslation, translated: &ChatTranslation) -> Vec<String> {
    let converse =
        |translated: &ChatTranslation| serde_json::to_value(&translated.converse).unwrap();
    let mut descriptions = difference(&converse(base), &converse(translated));
    descriptions.extend(output_changes(
        &base.output_options,
        &translated.output_options,
    ));
    descriptions.extend(notes(&base.adjustments, &translated.adjustments));
    descriptions
}

fn notes(base: &Adjustments, adjustments: &Adjustments) -> Vec<String> {
    let before: Vec<_> = base.iter().collect();
    let new = adjustments.iter().filter(|note| !before.contains(note));
    new.map(|note| format!("**noted**, “`{}`: {}”", note.field, note.action))
        .collect()
}

/// What changes in the response.
fn output_changes(base: &OutputOptions, output_options: &OutputOptions) -> Vec<String> {
    // Destructured without `..`: a new field does not compile until it is described.
    let OutputOptions {
        stream,
        non_streaming,
        choices,
        include_usage,
        names,
        keys,
        legacy_functions,
        allowed_calls,
        one_tool_call,
        json,
        instructions: _,
        reasoning_tag: _,
        reasoning_tag_strays: _,
        reasoning_placeholder: _,
        reasoning_replay: _,
        origin: _,
        include_trace,
        hidden_guardrail: _,
        include_response_fields,
        include_service_tier,
        metadata,
    } = output_options;
    let call_count_note = format!("{choices} calls, {choices} `choices` in the response");
    let differences = [
        (*stream != base.stream, "streamed response"),
        (
            *stream && *non_streaming,
            "the gateway streams a non-streaming response of Bedrock",
        ),
        (*choices != base.choices, call_count_note.as_str()),
        (
            *include_usage != base.include_usage,
            "a last chunk with `usage`",
        ),
        (
            *names != base.names,
            "tool calls have the client's tool names and types",
        ),
        (
            *keys != base.keys,
            "the response has the client's property names",
        ),
        (
            *legacy_functions != base.legacy_functions,
            "calls are returned as `function_call`",
        ),
        (
            *allowed_calls == AllowedCalls::None && base.allowed_calls != AllowedCalls::None,
            "tool calls are removed from the response",
        ),
        (
            matches!(allowed_calls, AllowedCalls::Only(_))
                && base.allowed_calls == AllowedCalls::All,
            "calls of other tools are removed from the response",
        ),
        (
            *one_tool_call && !base.one_tool_call && !legacy_functions,
            "only the first call is returned",
        ),
        (*json != base.json, "the response text is only the JSON"),
        (
            *include_trace != base.include_trace,
            "`trace` in the response",
        ),
        (
            *include_response_fields != base.include_response_fields,
            "`additional_model_response_fields` in the response",
        ),
        (
            *include_service_tier != base.include_service_tier,
            "`service_tier` in the response",
        ),
        (*metadata != base.metadata, "`metadata` in the response"),
    ];
    let new = differences.into_iter().filter(|(is_new, _)| *is_new);
    new.map(|(_, descriptions)| descriptions.to_owned())
        .collect()
}
