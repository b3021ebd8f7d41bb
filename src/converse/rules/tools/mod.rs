//! Tools: families and requests without tools, duplicate names, and strict tools.

mod names;
pub(crate) mod unescape;

pub use names::ToolNames;

pub(crate) use names::bedrock_call_id;

use std::collections::HashSet;

use crate::converse::content::{
    ContentBlock, ToolResultBlock, ToolResultContent, ToolResultStatus,
};
use crate::converse::request::{ConverseRequest, Message, Tool, ToolInputSchema};
use crate::error::{ApiError, Field, ToolField};
use crate::models::Capabilities;
use crate::reply::Adjustments;

/// The maximum number of strict tools, from the live checks noted in pydantic-ai.
const MAX_STRICT_TOOLS: usize = 20;

/// For families without tools: rejects requests with tools, and converts earlier calls to text.
pub(super) fn without_tools(request: &mut ConverseRequest) -> Result<(), ApiError> {
    if request.tool_config.is_some() {
        return Err(ApiError::unsupported(
            Field::Tools,
            "this model does not support tools; use another model, or omit `tools`",
        ));
    }
    calls_to_text(&mut request.messages);
    Ok(())
}

/// H9: Bedrock rejects calls and results in a request without `toolConfig`. Declaring the called
/// tools would change the tool list with each new name, so on families whose prefix must stay
/// unchanged the calls are converted to text.
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
        Field::Messages,
        "tool calls and results sent as text; the request has no tools",
    );
}

/// Converts calls and results to text, followed by the media of the results.
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

/// A tool result as text, followed by its media.
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

/// Bedrock rejects duplicate tool names: keeps the last tool of each name.
pub(super) fn drop_duplicate_names(request: &mut ConverseRequest, adjustments: &mut Adjustments) {
    let Some(config) = request.tool_config.as_mut() else {
        return;
    };
    let mut names: HashSet<String> = HashSet::new();
    let mut kept: Vec<Tool> = Vec::with_capacity(config.tools.len());
    for tool in config.tools.drain(..).rev() {
        let is_duplicate = tool
            .spec()
            .is_some_and(|spec| !names.insert(spec.name.clone()));
        if !is_duplicate {
            kept.push(tool);
            continue;
        }
        // The cache point after a removed tool is removed, too.
        kept.pop_if(|tool| matches!(tool, Tool::CachePoint(_)));
        adjustments.note(
            Field::Tools,
            "duplicate tool name; only the last tool is sent",
        );
    }
    kept.reverse();
    config.tools = kept;
}

/// Keeps `strict` if the family supports it, up to the maximum number of strict tools.
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
            true => super::schema::fit::fitted(
                schema,
                capabilities,
                &Field::any_tool(ToolField::Schema),
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
                    Field::any_tool(ToolField::Strict),
                    "removed; not supported for this model or schema",
                );
            }
        }
    }
}
