//! H14: placement of cache points.

use crate::converse::content::{
    CachePoint, CacheTtl, ContentBlock, GuardBlock, GuardText, SearchResultBlock, ToolResultContent,
};
use crate::converse::media::MediaSource;
use crate::converse::request::{
    ConverseRequest, Message, Role, SystemBlock, Tool, ToolInputSchema, ToolSpec,
};
use crate::error::Field;
use crate::models::{CachePosition, Capabilities};
use crate::reply::Adjustments;

use super::request_options::CachePolicy;

/// The maximum number of cache points in a request.
const MAX_CACHE_POINTS: usize = 4;

/// Automatic cache points at the end of the conversation: one for the prefix of the next request,
/// one for the prefix shared with the previous request.
const TAIL_POINTS: usize = 2;

/// Keeps the client's cache points if they are supported, or adds automatic ones if the client
/// set none.
pub(super) fn apply(
    request: &mut ConverseRequest,
    policy: CachePolicy,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    if has_points(request) {
        drop_unsupported_points(request, capabilities, adjustments);
        let tools = request.tool_config.as_mut().map(|config| &mut config.tools);
        let in_tools = tools.is_some_and(|tools| repair_list(tools, is_tool_point));
        let in_system = repair_list(&mut request.system, is_system_point);
        if repair_messages(&mut request.messages) || in_tools || in_system {
            let action = "removed; no cacheable content precedes it";
            adjustments.note(Field::CacheControl, action);
        }
        keep_latest(request, adjustments);
    } else if policy.automatic {
        add_automatic_points(request, policy.ttl, capabilities);
    }
    set_ttls(request, capabilities, adjustments);
}

fn has_points(request: &ConverseRequest) -> bool {
    let in_turns = |message: &Message| message.content.iter().any(is_point);
    let tools = request.tool_config.iter().flat_map(|config| &config.tools);
    tools.into_iter().any(is_tool_point)
        || request.system.iter().any(is_system_point)
        || request.messages.iter().any(in_turns)
}

fn is_point(block: &ContentBlock) -> bool {
    matches!(block, ContentBlock::CachePoint(_))
}

fn is_tool_point(tool: &Tool) -> bool {
    matches!(tool, Tool::CachePoint(_))
}

fn is_system_point(block: &SystemBlock) -> bool {
    matches!(block, SystemBlock::CachePoint(_))
}

/// Removes cache points where the family does not support them.
fn drop_unsupported_points(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let takes = |position| capabilities.cache_points.contains(&position);
    let mut dropped = false;
    if !takes(CachePosition::Tools)
        && let Some(config) = request.tool_config.as_mut()
    {
        let count = config.tools.len();
        config.tools.retain(|tool| !is_tool_point(tool));
        dropped |= config.tools.len() < count;
    }
    if !takes(CachePosition::System) {
        let count = request.system.len();
        request.system.retain(|block| !is_system_point(block));
        dropped |= request.system.len() < count;
    }
    for message in &mut request.messages {
        // Bedrock accepts cache points in user and assistant messages; messages of role `system`
        // are new.
        if !takes(CachePosition::Messages) || message.role == Role::System {
            let count = message.content.len();
            message.content.retain(|block| !is_point(block));
            dropped |= message.content.len() < count;
        }
    }
    if dropped {
        adjustments.note(
            Field::CacheControl,
            "removed where the model does not support cache points",
        );
    }
}

/// Removes cache points at the start of the list, and duplicates. Returns whether one was removed
/// because no content precedes it.
fn repair_list<T>(list: &mut Vec<T>, is_point: fn(&T) -> bool) -> bool {
    let begins = list.first().is_some_and(is_point);
    list.dedup_by(|next, last| is_point(next) && is_point(last));
    if begins {
        list.remove(0);
    }
    begins
}

/// Removes cache points that start a message or follow another, and moves those after documents
/// or videos in front of them. Returns whether one was removed because no cacheable content
/// precedes it.
fn repair_messages(messages: &mut [Message]) -> bool {
    let mut dropped = false;
    for message in messages {
        let mut repaired: Vec<ContentBlock> = Vec::with_capacity(message.content.len());
        for block in message.content.drain(..) {
            if !is_point(&block) {
                repaired.push(block);
                continue;
            }
            let is_media = |block: &ContentBlock| {
                matches!(block, ContentBlock::Document(_) | ContentBlock::Video(_))
            };
            let trailing = repaired
                .iter()
                .rev()
                .take_while(|block| is_media(block))
                .count();
            let position = repaired.len() - trailing;
            let before = position
                .checked_sub(1)
                .and_then(|before| repaired.get(before));
            match before {
                Some(ContentBlock::CachePoint(_)) => {}
                // "Cache point cannot be inserted after reasoning block."
                Some(ContentBlock::ReasoningContent(_)) | None => dropped = true,
                Some(_) => repaired.insert(position, block),
            }
        }
        message.content = repaired;
    }
    dropped
}

/// Bedrock accepts four cache points: removes the oldest in messages first, then those in the
/// system prompt.
fn keep_latest(request: &mut ConverseRequest, adjustments: &mut Adjustments) {
    let tools = request.tool_config.iter().flat_map(|config| &config.tools);
    let in_tools = tools.filter(|tool| is_tool_point(tool)).count();
    let in_system = request
        .system
        .iter()
        .filter(|block| is_system_point(block))
        .count();
    let blocks = request.messages.iter().flat_map(|message| &message.content);
    let in_turns = blocks.filter(|block| is_point(block)).count();
    let mut excess = (in_tools + in_system + in_turns).saturating_sub(MAX_CACHE_POINTS);
    if excess == 0 {
        return;
    }
    adjustments.note(
        Field::CacheControl,
        "limited to four cache points; the latest were kept",
    );
    let mut drop_one = || {
        let drops = excess > 0;
        excess = excess.saturating_sub(1);
        drops
    };
    for message in &mut request.messages {
        message
            .content
            .retain(|block| !(is_point(block) && drop_one()));
    }
    request
        .system
        .retain(|block| !(is_system_point(block) && drop_one()));
    if let Some(config) = request.tool_config.as_mut() {
        config
            .tools
            .retain(|tool| !(is_tool_point(tool) && drop_one()));
    }
}

/// Adds cache points after the tools, after the system prompt, and at the end of the
/// conversation.
fn add_automatic_points(
    request: &mut ConverseRequest,
    ttl: Option<CacheTtl>,
    capabilities: &Capabilities,
) {
    let takes = |position| capabilities.cache_points.contains(&position);
    let point = CachePoint::new(ttl);
    let mut size = 0;
    // A cache point after fewer tokens than the family's minimum has no effect. Token counts are
    // estimated from bytes; in doubt a point is added, since one without effect costs nothing.
    let is_cacheable = |size: usize| size / 2 >= capabilities.cache_min_tokens as usize;
    if let Some(config) = request.tool_config.as_mut() {
        size += config
            .tools
            .iter()
            .filter_map(Tool::spec)
            .map(tool_size)
            .sum::<usize>();
        if takes(CachePosition::Tools) && is_cacheable(size) {
            config.tools.push(Tool::CachePoint(point));
        }
    }
    size += request.system.iter().map(system_size).sum::<usize>();
    if takes(CachePosition::System) && !request.system.is_empty() && is_cacheable(size) {
        request.system.push(SystemBlock::CachePoint(point));
    }
    if !takes(CachePosition::Messages) {
        return;
    }
    let mut ends = Vec::new();
    for (position, message) in request.messages.iter().enumerate() {
        size += message.content.iter().map(block_size).sum::<usize>();
        if message.role == Role::User && is_cacheable(size) {
            ends.push(position);
        }
    }
    for position in ends.into_iter().rev().take(TAIL_POINTS) {
        if let Some(message) = request.messages.get_mut(position) {
            // The next request has different instructions, or none.
            let is_instruction =
                |block: &ContentBlock| matches!(block, ContentBlock::Instruction(_));
            let last = message.content.iter().rposition(|b| !is_instruction(b));
            let insert_at = last.map_or(0, |last| last + 1);
            let point = ContentBlock::CachePoint(point);
            message.content.insert(insert_at, point);
        }
    }
    repair_messages(&mut request.messages);
}

fn tool_size(spec: &ToolSpec) -> usize {
    let ToolInputSchema::Json(schema) = &spec.input_schema;
    spec.name.len() + spec.description.as_ref().map_or(0, String::len) + schema.as_str().len()
}

fn system_size(block: &SystemBlock) -> usize {
    match block {
        SystemBlock::Text(text) => text.len(),
        SystemBlock::CachePoint(_) => 0,
    }
}

/// The bytes of a block's text; for other content, the number of bytes of text with about as many
/// tokens.
fn block_size(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) | ContentBlock::Instruction(text) => text.len(),
        ContentBlock::ToolUse(call) => call.input.as_str().len(),
        ContentBlock::ToolResult(result) => {
            let content = result.content.iter().map(|content| match content {
                ToolResultContent::Text(text) => text.len(),
                ToolResultContent::Json(json) => json.as_str().len(),
                ToolResultContent::Image(image) => image_size(&image.source),
                ToolResultContent::Document(document) => file_size(&document.source),
                ToolResultContent::Video(video) => file_size(&video.source),
                ToolResultContent::SearchResult(result) => search_result_size(result),
            });
            content.sum()
        }
        ContentBlock::Image(image) => image_size(&image.source),
        ContentBlock::Document(document) => file_size(&document.source),
        ContentBlock::Video(video) => file_size(&video.source),
        ContentBlock::Audio(audio) => file_size(&audio.source),
        ContentBlock::SearchResult(result) => search_result_size(result),
        ContentBlock::GuardContent(GuardBlock::Text(GuardText { text, .. })) => text.len(),
        ContentBlock::ReasoningContent(_) | ContentBlock::CachePoint(_) => 0,
    }
}

fn search_result_size(search_result: &SearchResultBlock) -> usize {
    search_result
        .content
        .iter()
        .map(|part| part.text.len())
        .sum()
}

/// An image has at most 1,500 tokens, regardless of its bytes.
fn image_size(source: &MediaSource) -> usize {
    file_size(source).min(3000)
}

/// Text is a small part of a file.
fn file_size(source: &MediaSource) -> usize {
    const IN_S3: usize = 512;
    match source {
        MediaSource::Bytes(base64) => base64.len() / 8,
        MediaSource::Text(text) => text.len(),
        MediaSource::S3Location(_) => IN_S3,
    }
}

/// Uses one hour only if the family supports it, and no shorter TTL before a longer one.
fn set_ttls(
    request: &mut ConverseRequest,
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    let mut points: Vec<&mut CachePoint> = Vec::new();
    for tool in request.tool_config.iter_mut().flat_map(|c| &mut c.tools) {
        if let Tool::CachePoint(point) = tool {
            points.push(point);
        }
    }
    for block in &mut request.system {
        if let SystemBlock::CachePoint(point) = block {
            points.push(point);
        }
    }
    for block in request.messages.iter_mut().flat_map(|m| &mut m.content) {
        if let ContentBlock::CachePoint(point) = block {
            points.push(point);
        }
    }
    let mut longer_ttl_follows = false;
    for point in points.into_iter().rev() {
        if point.ttl == Some(CacheTtl::OneHour) && !capabilities.cache_one_hour {
            point.ttl = None;
            adjustments.note(
                Field::CacheTtl,
                "set to `5m`; the model does not support `1h`",
            );
        }
        // A cache point without a TTL has five minutes.
        if point.ttl == Some(CacheTtl::FiveMinutes) {
            point.ttl = None;
        }
        match point.ttl {
            Some(_) => longer_ttl_follows = true,
            None if longer_ttl_follows => {
                point.ttl = Some(CacheTtl::OneHour);
                adjustments.note(
                    Field::CacheTtl,
                    "set to `1h`; a later cache point has this TTL",
                );
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::converse::content::{ReasoningBlock, ReasoningText};
    use crate::converse::request::ToolConfig;

    fn tool(name: &str) -> Tool {
        Tool::ToolSpec(ToolSpec {
            name: name.to_owned(),
            description: None,
            input_schema: ToolInputSchema::Json(JsonText::empty_object()),
            strict: None,
        })
    }

    #[test]
    fn a_cache_point_follows_cacheable_content() {
        let point = CachePoint::new(None);
        let capabilities = Capabilities {
            cache_points: vec![
                CachePosition::Tools,
                CachePosition::System,
                CachePosition::Messages,
            ],
            ..Capabilities::default()
        };
        let reasoning =
            ContentBlock::ReasoningContent(ReasoningBlock::ReasoningText(ReasoningText {
                text: "t".to_owned(),
                signature: Some("s".to_owned()),
            }));
        let text = ContentBlock::Text("a".to_owned());
        let cache_point = ContentBlock::CachePoint(point);
        let mut request = ConverseRequest {
            tool_config: Some(ToolConfig {
                tools: vec![Tool::CachePoint(point), tool("f"), Tool::CachePoint(point)],
                tool_choice: None,
            }),
            system: vec![SystemBlock::CachePoint(point)],
            messages: vec![Message {
                role: Role::Assistant,
                content: vec![
                    reasoning.clone(),
                    cache_point.clone(),
                    text.clone(),
                    cache_point.clone(),
                ],
            }],
            ..ConverseRequest::default()
        };
        let policy = CachePolicy::default();
        apply(
            &mut request,
            policy,
            &capabilities,
            &mut Adjustments::default(),
        );
        let tools = request.tool_config.map(|config| config.tools);
        assert_eq!(tools, Some(vec![tool("f"), Tool::CachePoint(point)]));
        assert_eq!(request.system, []);
        let turn = request.messages.pop().map(|turn| turn.content);
        assert_eq!(turn, Some(vec![reasoning, text, cache_point]));
    }
}
