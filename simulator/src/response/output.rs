//! What a model returns, before conversion to the format of an operation.

use serde_json::Value;

/// A response before conversion to the format of an operation.
#[derive(Debug, Clone, Default)]
pub(crate) struct ModelOutput {
    pub(crate) parts: Vec<Part>,
    pub(crate) stop_reason: String,
    /// The stop sequence that ended the text; `None` for other stop reasons.
    pub(crate) stop_sequence: Option<String>,
    pub(crate) usage: Value,
    /// Number of reasoning tokens.
    pub(crate) thinking_tokens: u64,
    pub(crate) extras: Extras,
}

/// Optional members of a response, besides the message.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    /// Traces of guardrails and prompt routers.
    pub(crate) trace: Option<Value>,
    pub(crate) performance_config: Option<Value>,
    pub(crate) service_tier: Option<Value>,
    /// The request's `additionalModelResponseFieldPaths`.
    pub(crate) paths: Vec<String>,
    /// `additionalModelResponseFields` of a script; replaces the values that `paths` select.
    pub(crate) response_fields: Option<Value>,
}

/// A content block.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// The text deltas of a stream.
    Text(Vec<String>),
    Tool {
        id: String,
        name: String,
        input: Value,
    },
    /// Any other block, in Converse's format.
    Other(Value),
}

impl ModelOutput {
    /// Reads a Converse response, for streaming.
    pub(crate) fn from_converse(body: &Value) -> Self {
        let content = body
            .pointer("/output/message/content")
            .and_then(Value::as_array);
        Self {
            parts: content
                .into_iter()
                .flatten()
                .map(Part::from_block)
                .collect(),
            stop_reason: body
                .get("stopReason")
                .and_then(Value::as_str)
                .unwrap_or("end_turn")
                .to_owned(),
            stop_sequence: None,
            usage: body.get("usage").cloned().unwrap_or(Value::Null),
            extras: Extras {
                trace: body.get("trace").cloned(),
                performance_config: body.get("performanceConfig").cloned(),
                service_tier: body.get("serviceTier").cloned(),
                paths: Vec::new(),
                response_fields: body.get("additionalModelResponseFields").cloned(),
            },
            ..Self::default()
        }
    }

    /// All text blocks, joined.
    pub(crate) fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(deltas) => Some(deltas.concat()),
            _ => None,
        });
        texts.collect()
    }
}

impl Part {
    /// A text that streams word by word.
    pub(crate) fn words(text: &str) -> Self {
        Self::Text(text.split_inclusive(' ').map(str::to_owned).collect())
    }

    fn from_block(block: &Value) -> Self {
        if let Some(text) = block.get("text").and_then(Value::as_str) {
            return Self::words(text);
        }
        let Some(tool) = block
            .get("toolUse")
            .filter(|tool| tool.get("type").is_none())
        else {
            return Self::Other(block.clone());
        };
        let text = |name: &str| {
            tool.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self::Tool {
            id: text("toolUseId"),
            name: text("name"),
            input: tool.get("input").cloned().unwrap_or(Value::Null),
        }
    }
}
