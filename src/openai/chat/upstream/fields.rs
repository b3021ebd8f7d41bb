//! The fields of a request for one of AWS's OpenAI surfaces, one by one.

use serde::Serialize;

use super::super::context::ChatOptions;
use super::super::extensions::service_tier;
use super::super::parameters::{note_no_logprobs, refuse};
use super::super::request_options::effort_option;
use super::super::types::ChatRequest;
use super::client_keys::TOOL;
use super::flat_tools::{nested_choice, nested_tools};
use super::request::ChatUpstreamContext;
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::rules::EffortOption;
use crate::error::ApiError;
use crate::models::{Capabilities, Effort, RefusedField};
use crate::openai::object::UnknownFields;
use crate::openai::typo::note_unknown_fields;

/// Fields that OpenAI's API does not have, and `metadata`, which is given back by the gateway. What
/// they ask for was served elsewhere, or is nothing.
pub(super) const EXTENSIONS: [&str; 12] = [
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "function_call",
    "functions",
    "guardrailConfig",
    "metadata",
    "moderation",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "thinking",
    "top_k",
];

/// A body on its way to being sent.
pub(super) struct ChatUpstreamBody<'a> {
    pub(super) body: Fields,
    pub(super) capabilities: &'a Capabilities,
    /// Whether the model reasons on this request.
    pub(super) reasons: bool,
    pub(super) adjustments: Adjustments,
}

impl ChatUpstreamBody<'_> {
    pub(super) fn remove_fields(&mut self, fields: &[&str]) {
        self.body.retain(|key, _| !fields.contains(&key));
    }

    pub(super) fn drop(&mut self, field: &str, why: &str) {
        if self.body.remove(field).is_some() {
            self.adjustments.note(field, why);
        }
    }

    pub(super) fn is_refused(&self, field: &str) -> bool {
        let lists = |fields: &[String]| fields.iter().any(|refused| refused == field);
        lists(&self.capabilities.upstream_unsupported)
            || match self.reasons {
                true => lists(&self.capabilities.upstream_unsupported_with_reasoning),
                false => lists(&self.capabilities.upstream_unsupported_without_reasoning),
            }
    }

    /// A field by which a client reads its answer: it is passed on or refused.
    pub(super) fn trusted(&mut self, field: &str, value: Option<JsonText>) -> Result<(), ApiError> {
        if !self.is_refused(field) {
            return Ok(());
        }
        self.body.remove(field);
        let why = match self
            .capabilities
            .upstream_unsupported
            .iter()
            .any(|refused| refused == field)
        {
            true => "this model does not take it",
            false => {
                "this model does not take it while it reasons; send `reasoning_effort: \"none\"`"
            }
        };
        refuse(field, value, why)
    }

    /// Probabilities of tokens, without which a response is still one.
    pub(super) fn logprobs(&mut self, field: &str, value: Option<JsonText>) {
        if self.is_refused(field) {
            self.body.remove(field);
            note_no_logprobs(field, value, &mut self.adjustments);
        }
    }

    /// Parameters of sampling, without which an answer is still one.
    pub(super) fn sampling(&mut self) {
        for (field, default) in [
            ("temperature", "1"),
            ("top_p", "1"),
            ("frequency_penalty", "0"),
            ("presence_penalty", "0"),
        ] {
            if !self.is_refused(field) {
                continue;
            }
            let value = self.body.remove(field);
            let requested = value.and_then(|value| value.as_str().parse::<f64>().ok());
            if requested.is_some() && requested != default.parse().ok() {
                let why = match self.reasons {
                    true => "dropped, this model does not take it while it reasons",
                    false => "dropped, this model does not take it",
                };
                self.adjustments.note(field, why);
            }
        }
    }

    /// The most tokens: the newer name of the field, at the place where the client wrote it.
    pub(super) fn limit(
        &mut self,
        limit: Option<u32>,
        context: &ChatUpstreamContext<'_>,
    ) -> Result<(), ApiError> {
        const FIELD: &str = "max_completion_tokens";
        let Some(mut limit) = limit else {
            return Ok(());
        };
        let min = self.capabilities.min_max_tokens;
        let max = context.output_limit.unwrap_or(u32::MAX);
        if limit > max {
            limit = max;
            let action = format!("lowered to {max}, the model's most");
            self.adjustments.note(FIELD, action);
        }
        if limit < min {
            let ceiling = context.options.max_tokens_ceiling;
            if ceiling.is_some_and(|ceiling| ceiling < min) {
                return Err(ApiError::unsupported_value(
                    FIELD,
                    format!(
                        "this model writes {min} tokens at least, more than the operator of this \
                         gateway lets it"
                    ),
                ));
            }
            limit = min;
            let action = format!("raised to {min}, the model's least");
            self.adjustments.note(FIELD, action);
        }
        match self.body.get(FIELD).is_some() {
            true => drop(self.body.remove("max_tokens")),
            false => self.body.rename("max_tokens", FIELD),
        }
        self.body.set(FIELD, json(&limit)?);
        Ok(())
    }

    /// How much to reason: the nearest effort that the model has, the higher one of two.
    pub(super) fn effort(&mut self, word: Option<String>) -> Result<(), ApiError> {
        const FIELD: &str = "reasoning_effort";
        let Some(word) = word else {
            return Ok(());
        };
        let efforts = &self.capabilities.efforts;
        match effort_option(&word)? {
            // The table knows no effort of it: the surface says whether it takes this one.
            _ if efforts.is_empty() => {}
            EffortOption::None if self.capabilities.always_reasons => {
                let min = efforts.first().copied().unwrap_or(Effort::Low);
                self.body.set(FIELD, json(min.as_str())?);
                self.adjustments.note(FIELD, "this model always reasons");
            }
            EffortOption::None => {}
            EffortOption::Level(effort) => {
                let at_or_above = efforts.iter().find(|own| **own >= effort);
                let nearest = *at_or_above.or(efforts.last()).unwrap_or(&effort);
                if nearest != effort {
                    let nearest = nearest.as_str();
                    self.body.set(FIELD, json(nearest)?);
                    let action = format!("`{nearest}`, this model has no `{word}`");
                    self.adjustments.note(FIELD, action);
                }
            }
        }
        Ok(())
    }

    /// The tier, in the words that the surface shares with OpenAI's API; gives Bedrock's.
    pub(super) fn tier(
        &mut self,
        tier: Option<String>,
        options: &ChatOptions,
    ) -> Result<Option<&'static str>, ApiError> {
        const FIELD: &str = "service_tier";
        let tier = tier.or_else(|| options.service_tier_header.clone());
        let tier = service_tier(
            tier.as_deref(),
            options,
            self.capabilities,
            &mut self.adjustments,
        )?;
        let word = tier.map(|tier| tier.r#type.as_str());
        match word {
            Some(word) => self.body.set(FIELD, json(word)?),
            None => drop(self.body.remove(FIELD)),
        }
        Ok(word)
    }

    /// Usage is always asked for: what was used is written down.
    pub(super) fn stream(&mut self, stream: bool) -> Result<(), ApiError> {
        match stream {
            true => {
                let options = JsonText::parse(r#"{"include_usage":true}"#.to_owned());
                let options = options.map_err(|_| ApiError::internal())?;
                self.body.set("stream_options", options);
            }
            false => drop(self.body.remove("stream_options")),
        }
        Ok(())
    }

    pub(super) fn tools(&mut self, has_tools: bool) -> Result<(), ApiError> {
        if !has_tools {
            self.remove_fields(&["tools", "tool_choice", "parallel_tool_calls"]);
            return Ok(());
        }
        let Some(tools) = self.body.get("tools") else {
            return Ok(());
        };
        let tools = nested_tools(tools).map_err(|_| ApiError::internal())?;
        let kept = TOOL.keep_in_list(&tools, "tools[]", &mut self.adjustments);
        self.body
            .set("tools", kept.map_err(|_| ApiError::internal())?);
        Ok(())
    }

    pub(super) fn tool_choice(&mut self) -> Result<(), ApiError> {
        const FIELD: &str = "tool_choice";
        if let Some(choice) = self.body.get(FIELD).filter(|choice| choice.is_object()) {
            let choice = nested_choice(choice).map_err(|_| ApiError::internal())?;
            self.body.set(FIELD, choice);
        }
        Ok(())
    }

    /// Keys that nobody here knows go where the operator names them.
    pub(super) fn unknown(&mut self, unknown: &UnknownFields, options: &ChatOptions) {
        let is_named = |key: &str| options.model_fields.names(key);
        let others: UnknownFields = unknown
            .iter()
            .filter(|(key, _)| !is_named(key))
            .cloned()
            .collect();
        self.body
            .retain(|key, _| !others.iter().any(|(other, _)| other == key));
        note_unknown_fields(&others, ChatRequest::FIELDS, &mut self.adjustments);
    }

    /// What the model was found to refuse.
    pub(super) fn learned(&mut self) {
        for refused in &self.capabilities.refused {
            if let RefusedField::UpstreamField(field) = refused
                && self.body.remove(field).is_some()
            {
                self.adjustments
                    .note(field, "dropped, this model refuses it");
            }
        }
    }
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}
