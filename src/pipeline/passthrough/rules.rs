//! What the operator has said of all requests, held to in requests that pass as they are.
//!
//! Where nothing is said, a body goes out unread. Where something is, it is put in where the
//! request does not say otherwise, and refused where it does: a client of Bedrock's own API reads
//! its answers by what it asked for, so that nothing of that is replaced behind its back.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::sources::{buckets, mentions};
use crate::adjustments::Adjustments;
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::error::{ApiError, ErrorKind};
use crate::json_error::describe;
use crate::openai::chat::{AllowList, GuardrailPolicy};
use crate::pipeline::invoke::guardrail_headers;

/// The key of a model's own body whose `tagSuffix` marks what a guardrail looks at (AWS's user guide,
/// "Apply tags to user input").
const TAGGING: &str = "amazon-bedrock-guardrailConfig";

/// Where a request marks some of it for the guardrail, which then looks at nothing else.
const NARROWING: [(&str, &str); 3] = [
    ("messages", "guardContent"),
    ("system", "guardContent"),
    ("additionalModelRequestFields", TAGGING),
];

/// What holds for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// The guardrail, which no request gets around.
    pub(super) guardrail: Option<&'a GuardrailPolicy>,
    /// The highest maxTokens.
    pub(super) ceiling: Option<u32>,
    /// maxTokens where the request says none.
    pub(super) max_tokens: Option<u32>,
    /// Which keys of the provider's own a request may set.
    pub(super) model_fields: &'a AllowList,
    /// Which buckets a request may name.
    pub(super) s3_buckets: &'a AllowList,
    /// Whether InvokeModel is served though neither of the two above it can be held to.
    pub(super) allow_unlimited_invoke: bool,
}

impl Rules<'_> {
    /// The body of Converse, or of ConverseStream where it `streams`.
    pub(super) fn converse(
        &self,
        body: Bytes,
        streams: bool,
        adjustments: &mut Adjustments,
    ) -> Result<Bytes, ApiError> {
        let holds = self.guardrail.is_some() || self.ceiling.is_some() || self.limits_fields();
        if holds {
            let mut fields = object(&body)?;
            self.hold_guardrail(&mut fields, streams, adjustments)?;
            self.hold_ceiling(&mut fields, adjustments)?;
            self.hold_model_fields(&mut fields)?;
            self.check_buckets(&body)?;
            // Written anew, so that a key that came twice means what it was taken for here.
            return serde_json::to_vec(&fields)
                .map(Bytes::from)
                .map_err(|_| ApiError::internal());
        }
        self.check_buckets(&body)?;
        Ok(body)
    }

    /// The headers and the body of InvokeModel, which is the model's own.
    pub(super) fn invoke(
        &self,
        headers: &mut HeaderMap,
        body: &Bytes,
        adjustments: &mut Adjustments,
    ) -> Result<(), ApiError> {
        if !self.allow_unlimited_invoke && (self.ceiling.is_some() || self.limits_fields()) {
            return Err(denied(
                "InvokeModel is closed here, since the operator limits what a request may set and \
                 a body of a model's own cannot be held to that; use Converse",
            ));
        }
        if let Some(policy) = self.guardrail {
            if mentions(body, TAGGING)? {
                return Err(denied(
                    "`amazon-bedrock-guardrailConfig` cannot be set: the operator has set the \
                     guardrail of these requests",
                ));
            }
            for (name, own) in guardrail_headers(policy)? {
                let Some(name) = name else { continue };
                hold_header(headers, name, own)?;
            }
            adjustments.note("X-Amzn-Bedrock-GuardrailIdentifier", "the operator's");
        }
        self.check_buckets(body)
    }

    /// A job, on which no guardrail looks. What it writes goes to `bucket` in any case.
    pub(super) fn job(&self, body: &Bytes, bucket: &str) -> Result<(), ApiError> {
        if self.guardrail.is_some() {
            return Err(denied(
                "StartAsyncInvoke is closed here, since the operator has set a guardrail that it \
                 has no place for",
            ));
        }
        if self.s3_buckets.names("*") {
            return Ok(());
        }
        let mut named = buckets(body)?;
        named.retain(|named| named != bucket);
        self.refuse_other(&named)
    }

    fn limits_fields(&self) -> bool {
        !self.model_fields.names("*")
    }

    fn hold_guardrail(
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
                    "`{key}` cannot be used: the operator has set the guardrail of these \
                     requests, and it looks at all that is in them"
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

    fn hold_ceiling(
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
            // AWS's words for the limit of a model.
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

    fn hold_model_fields(&self, fields: &mut Fields) -> Result<(), ApiError> {
        const MEMBER: &str = "additionalModelRequestFields";
        if !self.limits_fields() || fields.get(MEMBER).is_none() {
            return Ok(());
        }
        let own = member(fields, MEMBER)?;
        if let Some((key, _)) = own.iter().find(|(key, _)| !self.model_fields.allows(key)) {
            return Err(denied(format!(
                "`{MEMBER}` may not set `{key}`; the operator allows others in `[chat] \
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
        self.refuse_other(&buckets(body)?)
    }

    fn refuse_other(&self, named: &[String]) -> Result<(), ApiError> {
        match named.iter().find(|bucket| !self.s3_buckets.allows(bucket)) {
            Some(bucket) => Err(denied(format!(
                "the bucket `{bucket}` is none that requests may name"
            ))),
            None => Ok(()),
        }
    }
}

/// The object that a body is.
pub(super) fn object(body: &[u8]) -> Result<Fields, ApiError> {
    serde_json::from_slice(body).map_err(|error| not_json(&error))
}

/// The object that a member is; an empty one where there is none.
pub(super) fn member(fields: &Fields, name: &str) -> Result<Fields, ApiError> {
    match fields.get(name).filter(|text| text.as_str() != "null") {
        None => Ok(Fields::default()),
        Some(text) => Fields::from_object(text)
            .ok_or_else(|| ApiError::invalid(name, format!("`{name}` is no object"))),
    }
}

/// `value` as a member of an object.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<JsonText, ApiError> {
    JsonText::of(value).map_err(|_| ApiError::internal())
}

pub(super) fn not_json(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        ErrorKind::InvalidRequest,
        format!("the body is no JSON object: {}", describe(error)),
    )
}

/// A refusal in the operator's name.
pub(super) fn denied(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorKind::Permission, message).should_retry(false)
}

fn other_guardrail(name: &str) -> ApiError {
    denied(format!(
        "`{name}` names another guardrail than the one that the operator has set for these \
         requests; leave it out"
    ))
}

/// Sets a header that the request may say as well, and not otherwise.
fn hold_header(
    headers: &mut HeaderMap,
    name: HeaderName,
    own: HeaderValue,
) -> Result<(), ApiError> {
    if headers.get_all(&name).iter().any(|value| value != own) {
        return Err(other_guardrail(name.as_str()));
    }
    headers.insert(name, own);
    Ok(())
}

#[cfg(test)]
mod tests;
