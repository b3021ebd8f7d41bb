//! Adapts the fields of a request to the chat-completions upstream.

use serde::Serialize;

use super::super::context::ChatOptions;
use super::super::extensions::service_tier;
use super::super::parameters::note_no_logprobs;
use super::super::request_options::effort_option;
use super::super::types::ChatRequest;
use super::client_keys::TOOL;
use super::flat_tools::{nested_choice, nested_tools};
use super::request::ChatUpstreamContext;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::converse::rules::EffortOption;
use crate::dialects::wire::UnknownFields;
use crate::dialects::wire::note_unknown_fields;
use crate::dialects::wire::refuse;
use crate::error::ApiError;
use crate::models::{Capabilities, Effort, RefusedField};
use crate::reply::Adjustments;

/// Fields that the upstream does not accept: extensions, and `metadata`, which the gateway returns
/// itself. Requests that use one that matters go to Converse.
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

/// The body of an upstream request while it is adapted.
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

    /// Checks a field that clients rely on: it is sent, or rejected if the model does not support
    /// it.
    pub(super) fn keep_or_refuse(
        &mut self,
        field: &str,
        value: Option<JsonText>,
    ) -> Result<(), ApiError> {
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
            true => "the model does not accept it",
            false => {
                "the model does not accept it with reasoning; send `reasoning_effort: \"none\"`"
            }
        };
        refuse(field, value, why)
    }

    /// Removes token probabilities if the model does not support them: the response is still
    /// useful.
    pub(super) fn logprobs(&mut self, field: &str, value: Option<JsonText>) {
        if self.is_refused(field) {
            self.body.remove(field);
            note_no_logprobs(field, value, &mut self.adjustments);
        }
    }

    /// Removes sampling parameters that the model does not support: the response is still useful.
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
                    true => "removed; not supported with reasoning",
                    false => "removed; the model does not accept it",
                };
                self.adjustments.note(field, why);
            }
        }
    }

    /// Sets the token limit, always as `max_completion_tokens`, in the position of the client's
    /// field.
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
            let action = format!("lowered to {max}; the model's maximum");
            self.adjustments.note(FIELD, action);
        }
        if limit < min {
            let ceiling = context.options.max_tokens_ceiling;
            if ceiling.is_some_and(|ceiling| ceiling < min) {
                return Err(ApiError::unsupported_value(
                    FIELD,
                    format!(
                        "the model requires a limit of at least {min} tokens, which exceeds the \
                         maximum of this gateway's operator; use another model"
                    ),
                ));
            }
            limit = min;
            let action = format!("raised to {min}; the model's minimum");
            self.adjustments.note(FIELD, action);
        }
        match self.body.get(FIELD).is_some() {
            true => drop(self.body.remove("max_tokens")),
            false => self.body.rename("max_tokens", FIELD),
        }
        self.body.set(FIELD, json(&limit)?);
        Ok(())
    }

    /// Sets the reasoning effort to the next higher effort that the model has, otherwise to its
    /// highest.
    pub(super) fn effort(&mut self, word: Option<String>) -> Result<(), ApiError> {
        const FIELD: &str = "reasoning_effort";
        let Some(word) = word else {
            return Ok(());
        };
        let efforts = &self.capabilities.efforts;
        match effort_option(&word)? {
            // The model table lists no efforts: the upstream decides.
            _ if efforts.is_empty() => {}
            EffortOption::None if self.capabilities.always_reasons => {
                let min = efforts.first().copied().unwrap_or(Effort::Low);
                self.body.set(FIELD, json(min.as_str())?);
                let action = format!("set to `{}`; reasoning cannot be disabled", min.as_str());
                self.adjustments.note(FIELD, action);
            }
            EffortOption::None => {}
            EffortOption::Level(effort) => {
                let at_or_above = efforts.iter().find(|supported| **supported >= effort);
                let nearest = *at_or_above.or(efforts.last()).unwrap_or(&effort);
                if nearest != effort {
                    let nearest = nearest.as_str();
                    self.body.set(FIELD, json(nearest)?);
                    let action = format!("set to `{nearest}`; the model has no `{word}`");
                    self.adjustments.note(FIELD, action);
                }
            }
        }
        Ok(())
    }

    /// Sets the service tier. Returns Bedrock's name of it, which the upstream accepts too.
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

    /// Requests usage for every stream: the gateway records it.
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

    /// Keeps the unknown fields that the operator allows by name, and notes and removes the others.
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

    /// Removes the fields that the model was found to reject.
    pub(super) fn remove_rejected(&mut self) {
        for refused in &self.capabilities.refused {
            if let RefusedField::UpstreamField(field) = refused
                && self.body.remove(field).is_some()
            {
                self.adjustments
                    .note(*field, "removed; the model does not accept it");
            }
        }
    }
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}
