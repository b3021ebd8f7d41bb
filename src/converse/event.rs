//! The events of ConverseStream, from the type in a frame's header and the JSON in its payload.
//!
//! Unknown events, blocks, deltas and keys (the padding key `p` among them) are passed over, so
//! that a new kind of block never breaks an answer.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::JsonText;
use super::response::{Citation, ResponseServiceTier, StopReason, Usage};

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The answer begins.
    MessageStart,
    /// A block begins; text and reasoning begin with their first delta instead.
    BlockStart {
        /// `contentBlockIndex`
        index: u32,
        /// What begins.
        start: BlockStart,
    },
    /// A piece of a block.
    BlockDelta {
        /// `contentBlockIndex`
        index: u32,
        /// The piece.
        delta: Delta,
    },
    /// A block is whole.
    BlockStop {
        /// `contentBlockIndex`
        index: u32,
    },
    /// The answer is whole; usage follows.
    MessageStop {
        /// Why the model stopped.
        stop_reason: StopReason,
        /// `additionalModelResponseFields`, where some were asked for.
        additional_fields: Option<JsonText>,
    },
    /// The last event.
    Metadata(Box<Metadata>),
    /// An event of a kind that is not known.
    Unknown,
}

/// What is told after the answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// What was used.
    pub usage: Usage,
    /// What the guardrail found and where the prompt was routed.
    pub trace: Option<JsonText>,
    /// The tier that the call ran on.
    pub service_tier: Option<String>,
}

/// What begins with a block's start.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockStart {
    /// A call of one of the client's tools.
    ToolUse {
        /// The id of the call.
        id: String,
        /// The tool's name as Bedrock knows it.
        name: String,
    },
    /// Something the client has no part in: a tool that the provider runs, or its result.
    Hidden,
    /// A kind of block that is not known, or none that is named: its deltas say what it is.
    Unknown,
}

/// A piece of a block.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// Visible text.
    Text(String),
    /// A fragment of a tool call's JSON.
    ToolInput(String),
    /// The model's reasoning.
    Reasoning(String),
    /// The provider's mark on the reasoning of this block, or a part of it.
    Signature(String),
    /// Reasoning that only the model can read: base64.
    RedactedReasoning(String),
    /// A source of the block's text.
    Citation(Citation),
    /// Anything else.
    Hidden,
}

impl Event {
    /// Reads the payload of a frame whose `:event-type` is `event_type`.
    ///
    /// Fails only where the JSON of a known event is not what the service model says.
    pub fn parse(event_type: &str, payload: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match event_type {
            "contentBlockDelta" => {
                let body: DeltaBody = serde_json::from_slice(payload)?;
                Self::BlockDelta {
                    index: body.content_block_index,
                    delta: body.delta.unwrap_or_default().into(),
                }
            }
            "contentBlockStart" => {
                let body: StartBody = serde_json::from_slice(payload)?;
                let start = body.start.filter(JsonText::is_object);
                let start = start.map(|start| serde_json::from_str::<StartUnion>(start.as_str()));
                Self::BlockStart {
                    index: body.content_block_index,
                    start: start.transpose()?.unwrap_or_default().into(),
                }
            }
            "contentBlockStop" => {
                let body: StopBody = serde_json::from_slice(payload)?;
                Self::BlockStop {
                    index: body.content_block_index,
                }
            }
            "messageStart" => Self::MessageStart,
            "messageStop" => {
                let body: MessageStopBody = serde_json::from_slice(payload)?;
                Self::MessageStop {
                    stop_reason: body.stop_reason,
                    additional_fields: body.additional_model_response_fields,
                }
            }
            "metadata" => {
                let body: MetadataBody = serde_json::from_slice(payload)?;
                Self::Metadata(Box::new(Metadata {
                    usage: body.usage,
                    trace: body.trace,
                    service_tier: body.service_tier.map(|tier| tier.r#type),
                }))
            }
            _ => Self::Unknown,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeltaBody {
    #[serde(default)]
    content_block_index: u32,
    delta: Option<DeltaUnion>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeltaUnion {
    text: Option<String>,
    tool_use: Option<ToolInputDelta>,
    reasoning_content: Option<ReasoningDelta>,
    citation: Option<Citation>,
}

#[derive(Deserialize)]
struct ToolInputDelta {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningDelta {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartBody {
    #[serde(default)]
    content_block_index: u32,
    /// Kept as it came: only an object can be one of the union's members.
    start: Option<JsonText>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartUnion {
    tool_use: Option<ToolUseStart>,
    tool_result: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseStart {
    tool_use_id: String,
    name: String,
    // Claude 4 and later send `tool_use` here, which the service model does not list
    // (recording conv-claude-8fb73972), so the value stays an open string.
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StopBody {
    #[serde(default)]
    content_block_index: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStopBody {
    stop_reason: StopReason,
    additional_model_response_fields: Option<JsonText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetadataBody {
    usage: Usage,
    trace: Option<JsonText>,
    service_tier: Option<ResponseServiceTier>,
    #[serde(rename = "metrics")]
    _metrics: Option<IgnoredAny>,
}

impl From<DeltaUnion> for Delta {
    fn from(union: DeltaUnion) -> Self {
        let DeltaUnion {
            text,
            tool_use,
            reasoning_content,
            citation,
        } = union;
        if let Some(text) = text {
            return Self::Text(text);
        }
        if let Some(tool_use) = tool_use {
            return Self::ToolInput(tool_use.input);
        }
        if let Some(citation) = citation {
            return Self::Citation(citation);
        }
        let Some(ReasoningDelta {
            text,
            signature,
            redacted_content,
        }) = reasoning_content
        else {
            return Self::Hidden;
        };
        let text = text.map(Self::Reasoning);
        let text = text.or(signature.map(Self::Signature));
        let text = text.or(redacted_content.map(Self::RedactedReasoning));
        text.unwrap_or(Self::Hidden)
    }
}

impl From<StartUnion> for BlockStart {
    fn from(union: StartUnion) -> Self {
        let StartUnion {
            tool_use,
            tool_result,
        } = union;
        match (tool_use, tool_result) {
            (Some(tool), _) if tool.r#type.as_deref() != Some("server_tool_use") => Self::ToolUse {
                id: tool.tool_use_id,
                name: tool.name,
            },
            (Some(_), _) | (None, Some(_)) => Self::Hidden,
            (None, None) => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(event_type: &str, payload: &str) -> Event {
        Event::parse(event_type, payload.as_bytes()).expect("a known event")
    }

    #[test]
    fn padding_and_unknown_keys_are_ignored() {
        let event = parse(
            "contentBlockDelta",
            r#"{"contentBlockIndex":2,"delta":{"text":"hi","new":1},"p":"abc"}"#,
        );
        let expected = Event::BlockDelta {
            index: 2,
            delta: Delta::Text("hi".to_owned()),
        };
        assert_eq!(event, expected);
    }

    #[test]
    fn server_tools_are_hidden_and_client_tools_are_not() {
        let server = r#"{"contentBlockIndex":1,"start":{"toolUse":{"name":"nova_grounding","toolUseId":"t","type":"server_tool_use"}}}"#;
        let client = r#"{"contentBlockIndex":1,"start":{"toolUse":{"name":"add","toolUseId":"t","type":"tool_use"}}}"#;
        assert!(matches!(
            parse("contentBlockStart", server),
            Event::BlockStart {
                start: BlockStart::Hidden,
                ..
            }
        ));
        assert!(matches!(
            parse("contentBlockStart", client),
            Event::BlockStart {
                start: BlockStart::ToolUse { .. },
                ..
            }
        ));
    }

    #[test]
    fn unknown_deltas_blocks_and_events_do_not_fail() {
        let delta = r#"{"contentBlockIndex":0,"delta":{"toolResult":[{"json":{}}]}}"#;
        assert!(matches!(
            parse("contentBlockDelta", delta),
            Event::BlockDelta {
                delta: Delta::Hidden,
                ..
            }
        ));
        assert_eq!(parse("somethingNew", "not even json"), Event::Unknown);
        for start in [
            r#"{"contentBlockIndex":1,"start":{"audio":{"format":"pcm"}}}"#,
            r#"{"contentBlockIndex":1,"start":{}}"#,
            r#"{"contentBlockIndex":1,"start":null}"#,
            r#"{"contentBlockIndex":1,"start":"text"}"#,
            r#"{"contentBlockIndex":1}"#,
        ] {
            let expected = Event::BlockStart {
                index: 1,
                start: BlockStart::Unknown,
            };
            assert_eq!(parse("contentBlockStart", start), expected, "{start}");
        }
    }
}
