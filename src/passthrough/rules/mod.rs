//! The operator's rules for passthrough requests.
//!
//! Without rules a body is forwarded unparsed. A rule adds its value if the request has none, and
//! rejects the request if it has a different one: a client of Bedrock's own API parses the response
//! according to its request, so values are never silently replaced.

mod sources;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::converse::JsonText;
use crate::converse::json::describe;
use crate::converse::options::Fields;
use crate::converse::policy::{AllowList, GuardrailPolicy};
use crate::error::{ApiError, ErrorKind, Sentence};
use crate::gateway::guardrail_headers;
use crate::reply::Adjustments;
use sources::{buckets, mentions};

/// The key in a model's own body whose `tagSuffix` marks the content for the guardrail (AWS's user
/// guide, "Apply tags to user input").
const TAGGING: &str = "amazon-bedrock-guardrailConfig";

/// Fields by which a request restricts the guardrail to parts of its content.
const NARROWING: [(&str, &str); 3] = [
    ("messages", "guardContent"),
    ("system", "guardContent"),
    ("additionalModelRequestFields", TAGGING),
];

/// The rules for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The mandatory guardrail.
    pub(super) guardrail: Option<&'a GuardrailPolicy>,
    /// The upper limit of `maxTokens`.
    pub(super) ceiling: Option<u32>,
    /// The default of `maxTokens`.
    pub(super) max_tokens: Option<u32>,
    /// The provider-specific fields that a request may set.
    pub(super) model_fields: &'a AllowList,
    /// The buckets that a request may use.
    pub(super) s3_buckets: &'a AllowList,
    /// Whether InvokeModel is allowed although `ceiling` and `model_fields` cannot be enforced on
    /// it.
    pub(super) allow_unlimited_invoke: bool,
}

impl Rules<'_> {
    /// Applies the rules to the body of Converse, or of ConverseStream if `streams`.
    pub(super) fn converse(
        &self,
        body: Bytes,
        streams: bool,
        adjustments: &mut Adjustments,
    ) -> Result<Bytes, ApiError> {
        let holds = self.guardrail.is_some() || self.ceiling.is_some() || self.limits_fields();
        if holds {
            let mut fields = object(&body)?;
            self.apply_guardrail(&mut fields, streams, adjustments)?;
            self.apply_ceiling(&mut fields, adjustments)?;
            self.check_model_fields(&mut fields)?;
            self.check_buckets(&body)?;
            // Serialized again, so that a duplicate key cannot mean something else to Bedrock.
            return serde_json::to_vec(&fields)
                .map(Bytes::from)
                .map_err(|_| ApiError::internal());
        }
        self.check_buckets(&body)?;
        Ok(body)
    }

    /// Applies the rules to the headers and the body of InvokeModel.
    pub(super) fn invoke(
        &self,
        headers: &mut HeaderMap,
        body: &Bytes,
        adjustments: &mut Adjustments,
    ) -> Result<(), ApiError> {
        if !self.allow_unlimited_invoke && (self.ceiling.is_some() || self.limits_fields()) {
            return Err(denied(
                "InvokeModel is disabled: the gateway's operator limits the fields of requests, \
                 which cannot be enforced on a model's own request format; use Converse",
            ));
        }
        if let Some(policy) = self.guardrail {
            if mentions(body, TAGGING)? {
                return Err(denied(
                    "`amazon-bedrock-guardrailConfig` cannot be set: the gateway's operator has \
                     set the guardrail for these requests; remove it",
                ));
            }
            for (name, own) in guardrail_headers(policy)? {
                let Some(name) = name else { continue };
                set_header(headers, name, own)?;
            }
            adjustments.note("X-Amzn-Bedrock-GuardrailIdentifier", "the operator's");
        }
        self.check_buckets(body)
    }

    /// Applies the rules to an asynchronous job, which has no guardrail. It may always write to
    /// `bucket`.
    pub(super) fn job(&self, body: &Bytes, bucket: &str) -> Result<(), ApiError> {
        if self.guardrail.is_some() {
            return Err(denied(
                "StartAsyncInvoke is disabled: the gateway's operator has set a guardrail, which \
                 this operation does not support",
            ));
        }
        if self.s3_buckets.names("*") {
            return Ok(());
        }
        let mut named = buckets(body)?;
        named.retain(|named| named != bucket);
        self.check_bucket_names(&named)
    }

    fn limits_fields(&self) -> bool {
        !self.model_fields.names("*")
    }

    fn apply_guardrail(
        &self,
        fields: &mut Fields,
        streams: bool,
        adjustments: &mut Adjustments,
    ) -> Result<(), ApiError> {
        let Some(policy) = self.guardrail else {
            return Ok(());
        };
        for (member, key) in NARROWING {
            let text = fields.get(member).map(JsonText::as_str).unwrap_or_default();
            if !text.is_empty() && mentions(text.as_bytes(), key)? {
                return Err(denied(format!(
                    "`{key}` cannot be used: the gateway's operator has set the guardrail for \
                     these requests, and it checks all of their content"
                )));
            }
        }
        let mut requested = member(fields, "guardrailConfig")?;
        let own = &policy.config;
        for (key, own) in [
            ("guardrailIdentifier", &own.guardrail_identifier),
            ("guardrailVersion", &own.guardrail_version),
        ] {
            let value = requested.get(key);
            let value: Option<String> =
                value.and_then(|text| serde_json::from_str(text.as_str()).ok());
            if value.is_some_and(|value| value != *own) {
                return Err(other_guardrail(key));
            }
            requested.set(key, json(own)?);
        }
        if let Some(trace) = own.trace {
            requested.set_if_absent("trace", json(&trace)?);
        }
        requested.remove("streamProcessingMode");
        if let Some(mode) = own.stream_processing_mode.filter(|_| streams) {
            requested.set("streamProcessingMode", json(&mode)?);
        }
        fields.set("guardrailConfig", json(&requested)?);
        adjustments.note("guardrailConfig", "the operator's");
        Ok(())
    }

    fn apply_ceiling(
        &self,
        fields: &mut Fields,
        adjustments: &mut Adjustments,
    ) -> Result<(), ApiError> {
        let Some(ceiling) = self.ceiling else {
            return Ok(());
        };
        let mut inference = member(fields, "inferenceConfig")?;
        let value = inference.get("maxTokens");
        let fits = |value: &JsonText| {
            value
                .as_str()
                .parse()
                .is_ok_and(|value: u32| value <= ceiling)
        };
        match value {
            Some(value) if fits(value) => {}
            // AWS's message for exceeding a model's limit.
            Some(_) => {
                let message = format!(
                    "The maximum tokens you requested exceeds the limit of {ceiling}. Try again \
                     with a maximum tokens value that is lower than {ceiling}."
                );
                return Err(ApiError::invalid("inferenceConfig.maxTokens", message));
            }
            None => {
                let max = self.max_tokens.map_or(ceiling, |max| max.min(ceiling));
                inference.set("maxTokens", json(&max)?);
                adjustments.note("inferenceConfig.maxTokens", format!("set to {max}"));
            }
        }
        fields.set("inferenceConfig", json(&inference)?);
        Ok(())
    }

    fn check_model_fields(&self, fields: &mut Fields) -> Result<(), ApiError> {
        const MEMBER: &str = "additionalModelRequestFields";
        if !self.limits_fields() || fields.get(MEMBER).is_none() {
            return Ok(());
        }
        let own = member(fields, MEMBER)?;
        if let Some((key, _)) = own.iter().find(|(key, _)| !self.model_fields.allows(key)) {
            return Err(denied(format!(
                "`{MEMBER}` may not set `{key}`; the gateway's operator can allow it in `[chat] \
                 model_fields`"
            )));
        }
        fields.set(MEMBER, json(&own)?);
        Ok(())
    }

    fn check_buckets(&self, body: &Bytes) -> Result<(), ApiError> {
        if self.s3_buckets.names("*") {
            return Ok(());
        }
        self.check_bucket_names(&buckets(body)?)
    }

    fn check_bucket_names(&self, named: &[String]) -> Result<(), ApiError> {
        match named.iter().find(|bucket| !self.s3_buckets.allows(bucket)) {
            Some(bucket) => Err(denied(format!(
                "requests may not use the bucket `{bucket}`; the gateway's operator can allow it in \
                 `[chat] s3_buckets`"
            ))),
            None => Ok(()),
        }
    }
}

/// Parses a body as an object.
pub(super) fn object(body: &[u8]) -> Result<Fields, ApiError> {
    serde_json::from_slice(body).map_err(|error| not_json(&error))
}

/// A field as an object; empty if the field is missing.
pub(super) fn member(fields: &Fields, name: &str) -> Result<Fields, ApiError> {
    match fields.get(name).filter(|text| text.as_str() != "null") {
        None => Ok(Fields::default()),
        Some(text) => Fields::from_object(text)
            .ok_or_else(|| ApiError::invalid(name, format!("`{name}` is not an object"))),
    }
}

/// Serializes `value` as the value of a field.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}

pub(super) fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::InvalidRequest,
        format!("the body is not a JSON object: {}", describe(error)),
    )
}

/// A permission error.
pub(super) fn denied(message: impl Into<Sentence>) -> ApiError {
    ApiError::new(ErrorKind::Permission, message).should_retry(false)
}

fn other_guardrail(name: &str) -> ApiError {
    denied(format!(
        "`{name}` does not match the guardrail that the gateway's operator has set for these \
         requests; remove it"
    ))
}

/// Sets a header; a different value in the request is an error.
fn set_header(headers: &mut HeaderMap, name: HeaderName, own: HeaderValue) -> Result<(), ApiError> {
    if headers.get_all(&name).iter().any(|value| value != own) {
        return Err(other_guardrail(name.as_str()));
    }
    headers.insert(name, own);
    Ok(())
}

#[cfg(test)]
mod tests;
