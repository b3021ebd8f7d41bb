//! Tools where the family or the request has none, several of one name, and inputs that are held to
//! their schemas.

use std::collections::HashSet;

use crate::adjustments::Adjustments;
use crate::converse::content::{
    ContentBlock, ToolResultBlock, ToolResultContent, ToolResultStatus,
};
use crate::converse::request::{ConverseRequest, Message, Tool, ToolInputSchema};
use crate::error::ApiError;
use crate::models::Capabilities;

/// The most tools that are held to their schemas, by the live checks noted in pydantic-ai.
const MAX_STRICT_TOOLS: usize = 20;

/// A family without tools: offering some is refused; calls of before are told as text.
pub(super) fn without_tools(request: &mut ConverseRequest) -> Result<(), ApiError> {
    if request.tool_config.is_some() {
        return Err(ApiError::unsupported(
            "tools",
            "this model calls no tools; ask for another model, or leave `tools` out",
        ));
    }
    calls_to_text(&mut request.messages);
    Ok(())
}

/// H9: Bedrock refuses calls and results in a request without `toolConfig`. Declaring the tools
/// that the conversation has calls of would put another list in front of it with each new name, so
/// that on families whose prefix has to stay as it is they are text.
pub(super) fn without_list(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if request.tool_config.is_some() || !super::pairing::has_calls(&request.messages) {
        return;
    }
    super::replay::drop_unbound(&mut request.messages, capabilities, adjustments);
    calls_to_text(&mut request.messages);
    adjustments.note(
        "messages",
        "tool calls and results sent as text, the request offers no tools",
    );
}

/// Calls and results as text, with the media of the results behind it.
fn calls_to_text(messages: &mut [Message]) {
    for message in messages {
        let mut content = Vec::with_capacity(message.content.len());
        for block in message.content.drain(..) {
            match block {
                ContentBlock::ToolUse(call) => {
                    let text = format!("Tool call: {} {}", call.name, call.input.as_str());
                    content.push(ContentBlock::Text(text));
                }
                ContentBlock::ToolResult(result) => content.extend(result_to_text(result)),
                other => content.push(other),
            }
        }
        message.content = content;
    }
}

/// What a tool returned, as text, and its media behind it.
pub(super) fn result_to_text(result: ToolResultBlock) -> Vec<ContentBlock> {
    let mut texts: Vec<String> = Vec::new();
    let mut media = Vec::new();
    for content in result.content {
        match content {
            ToolResultContent::Text(text) => texts.push(text),
            ToolResultContent::Json(json) => texts.push(json.as_str().to_owned()),
            ToolResultContent::Image(image) => media.push(ContentBlock::Image(image)),
            ToolResultContent::Document(document) => media.push(ContentBlock::Document(document)),
            ToolResultContent::Video(video) => media.push(ContentBlock::Video(video)),
            ToolResultContent::SearchResult(passage) => {
                media.push(ContentBlock::SearchResult(passage));
            }
        }
    }
    let kind = match result.status {
        Some(ToolResultStatus::Error) => "Tool error",
        Some(ToolResultStatus::Success) | None => "Tool result",
    };
    let text = format!("{kind}: {}", texts.join("\n"));
    let mut blocks = vec![ContentBlock::Text(text.trim_end().to_owned())];
    blocks.append(&mut media);
    blocks
}

/// Of several tools of one name, which Bedrock refuses, the last one is offered.
pub(super) fn drop_namesakes(request: &mut ConverseRequest, adjustments: &mut Adjustments) {
    let Some(config) = request.tool_config.as_mut() else {
        return;
    };
    let mut names: HashSet<String> = HashSet::new();
    let mut kept: Vec<Tool> = Vec::with_capacity(config.tools.len());
    for tool in config.tools.drain(..).rev() {
        let is_namesake = tool
            .spec()
            .is_some_and(|spec| !names.insert(spec.name.clone()));
        if !is_namesake {
            kept.push(tool);
            continue;
        }
        // The cache point that follows a tool goes with it.
        kept.pop_if(|tool| matches!(tool, Tool::CachePoint(_)));
        adjustments.note("tools", "several of one name, the last of them is offered");
    }
    kept.reverse();
    config.tools = kept;
}

/// Holds inputs to their schemas where the family does so, for as many tools as it does so for.
pub(super) fn strict(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let mut remaining = MAX_STRICT_TOOLS;
    for tool in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        let Tool::ToolSpec(spec) = tool else {
            continue;
        };
        if spec.strict != Some(true) {
            spec.strict = None;
            continue;
        }
        let ToolInputSchema::Json(schema) = &spec.input_schema;
        let fitted = match capabilities.strict_tools && remaining > 0 {
            true => super::schema_fit::fitted(
                schema,
                capabilities,
                "tools[].function.parameters",
                adjustments,
            ),
            false => None,
        };
        match fitted {
            Some(schema) => {
                remaining -= 1;
                spec.input_schema = ToolInputSchema::Json(schema);
            }
            None => {
                spec.strict = None;
                adjustments.note(
                    "tools[].function.strict",
                    "dropped, not kept to by this model",
                );
            }
        }
    }
}
