//! Events of ConverseStream, parsed from the event type in a frame's header and the JSON payload.
//!
//! Unknown events, blocks, deltas and keys (including the padding key `p`) are ignored, so that
//! new kinds of blocks do not break responses.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::JsonText;
use super::response::{Citation, ResponseServiceTier, StopReason, Usage};

/// An event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The message starts.
    MessageStart,
    /// A content block starts. Text and reasoning blocks start with their first delta instead.
    BlockStart {
        /// `contentBlockIndex`
        index: u32,
        /// The start of the block.
        start: BlockStart,
    },
    /// A delta of a content block.
    BlockDelta {
        /// `contentBlockIndex`
        index: u32,
        /// The delta.
        delta: Delta,
    },
    /// A content block is complete.
    BlockStop {
        /// `contentBlockIndex`
        index: u32,
    },
    /// The message is complete; metadata follows.
    MessageStop {
        /// Why the model stopped.
        stop_reason: StopReason,
        /// `additionalModelResponseFields`, if requested.
        additional_fields: Option<JsonText>,
    },
    /// The last event.
    Metadata(Box<Metadata>),
    /// An event of an unknown type.
    Unknown,
}

/// Metadata of the response.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Token usage.
    pub usage: Usage,
    /// The guardrail trace and the prompt router trace.
    pub trace: Option<JsonText>,
    /// The service tier that served the call.
    pub service_tier: Option<String>,
}

/// The start of a content block.
#[derive(Debug, Clone, PartialEq)]
pub enum BlockStart {
    /// A call of a client tool.
    ToolUse {
        /// The id of the tool call.
        id: String,
        /// The tool's name as sent to Bedrock.
        name: String,
    },
    /// A tool that the provider runs, or its result, which are hidden from the client.
    Hidden,
    /// A block of an unknown or unnamed type; its deltas determine the type.
    Unknown,
}

/// A delta of a content block.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// Visible text.
    Text(String),
    /// A fragment of a tool call's JSON.
    ToolInput(String),
    /// Reasoning text.
    Reasoning(String),
    /// The signature of the block's reasoning, or a part of it.
    Signature(String),
    /// Encrypted reasoning: base64.
    RedactedReasoning(String),
    /// A citation for the block's text.
    Citation(Citation),
    /// The model's refusal to answer, from upstreams that keep it apart from the text.
    Refusal(String),
    /// The probabilities of the text's tokens, from upstreams that return them.
    Logprobs(JsonText),
    /// Anything else.
    Hidden,
}

impl Event {
    /// Parses the payload of a frame with the given `:event-type`.
    ///
    /// Fails only if the JSON of a known event does not match the service model.
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
    /// Kept as raw JSON: only an object can be a member of the union.
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
