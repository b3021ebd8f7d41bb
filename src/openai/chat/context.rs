//! What a chat request is translated under: the model's facts, the operator's settings, and what
//! the gateway knows beside the request.

use std::fmt;
use std::sync::Arc;

use super::media::RemoteFiles;
use super::types::{ChatRequest, GuardrailFields};
use crate::converse::options::GuardrailConfig;
use crate::converse::remembered::RememberedTurn;
use crate::models::Capabilities;
use crate::openai::object::ClientField;

/// What a chat request is translated under.
pub struct TranslationContext<'a> {
    /// What the model takes.
    pub capabilities: &'a Capabilities,
    /// The most tokens that the model can write, where that is known.
    pub output_limit: Option<u32>,
    /// What the operator and the request's headers say.
    pub options: &'a ChatOptions,
    /// What is remembered of the response that had a tool call of this id, as the client knows the
    /// id, or that began with the reasoning of this key.
    pub recall: &'a dyn Fn(&str) -> Option<Arc<RememberedTurn>>,
    /// Whether the reasoning of before is left out: the model has refused it in this conversation.
    pub without_reasoning: bool,
    /// What the gateway has fetched from the addresses of the request.
    pub fetched: &'a RemoteFiles,
}

/// What the operator and the request's headers say of a chat request.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatOptions {
    /// maxTokens where the request says none.
    pub default_max_tokens: Option<u32>,
    /// The highest maxTokens.
    pub max_tokens_ceiling: Option<u32>,
    /// The most answers to one request.
    pub max_n: u32,
    /// Whether cache points are placed where the client has placed none.
    pub automatic_caching: bool,
    /// The guardrail that the operator has set, which no request gets around.
    pub guardrail: Option<GuardrailPolicy>,
    /// The guardrail of the request's headers.
    pub guardrail_headers: GuardrailFields,
    /// The tier of the request's headers.
    pub service_tier_header: Option<String>,
    /// The machines of the request's headers.
    pub latency_header: Option<String>,
    /// Whether `metadata` becomes labels in the log of invocations.
    pub forward_metadata: bool,
    /// Which keys of the provider's own a request may set.
    pub model_fields: AllowList,
    /// Which buckets a request may name.
    pub s3_buckets: AllowList,
    /// Whether `service_tier: "scale"` runs on capacity that was bought.
    pub reserved_tier: bool,
    /// The fields that the client's own request may have, which is not a chat request at each
    /// endpoint: those that an unknown one is compared with.
    pub client_fields: ClientFields,
}

/// The fields of the request that the client wrote.
#[derive(Clone, Copy)]
pub struct ClientFields(pub &'static [ClientField]);

impl PartialEq for ClientFields {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl fmt::Debug for ClientFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|field| field.name);
        formatter.debug_list().entries(names).finish()
    }
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            default_max_tokens: None,
            max_tokens_ceiling: None,
            max_n: 8,
            automatic_caching: true,
            guardrail: None,
            guardrail_headers: GuardrailFields::default(),
            service_tier_header: None,
            latency_header: None,
            forward_metadata: false,
            model_fields: AllowList::default(),
            s3_buckets: AllowList::default(),
            reserved_tier: false,
            client_fields: ClientFields(ChatRequest::FIELDS),
        }
    }
}

/// A guardrail that the operator has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailPolicy {
    /// The guardrail.
    pub config: GuardrailConfig,
    /// Whether it looks at the last of the user's turns alone.
    pub only_last_turn: bool,
}

/// The names that are allowed; `*` stands for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Arc<[String]>);

impl AllowList {
    /// A list of names.
    pub fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    /// Whether `name` is allowed.
    pub fn allows(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed == "*" || allowed == name)
    }

    /// Whether `name` itself is in the list.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|allowed| allowed == name)
    }
}

impl Default for AllowList {
    fn default() -> Self {
        Self::new(vec!["*".to_owned()])
    }
}

impl fmt::Debug for TranslationContext<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Terms")
            .field("family", &self.capabilities.family)
            .field("output_limit", &self.output_limit)
            .field("without_reasoning", &self.without_reasoning)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
