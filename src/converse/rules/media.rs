//! H11 and H13: media in tool results, and documents without text.

use super::turns::FILLER;
use crate::converse::content::{ContentBlock, ToolResultBlock, ToolResultContent};
use crate::converse::request::{Message, Role};
use crate::error::{Field, MessageField, PartField, Position};
use crate::models::{Capabilities, Medium};
use crate::reply::Adjustments;

/// Moves media that the family does not support in tool results out of them, to the end of the
/// message, with a text that names the tool call.
pub(super) fn move_out_of_results(
    messages: &mut [Message],
    capabilities: &Capabilities,
    adjustments: &mut Adjustments,
) {
    for message in messages {
        let mut moved = Vec::new();
        for block in &mut message.content {
            if let ContentBlock::ToolResult(result) = block {
                take_out(result, capabilities, &mut moved);
            }
        }
        if !moved.is_empty() {
            adjustments.note(
                Field::any_message(MessageField::Part(Position::Any, PartField::Whole)),
                "media moved out of the tool result",
            );
            message.content.append(&mut moved);
        }
    }
}

fn take_out(
    result: &mut ToolResultBlock,
    capabilities: &Capabilities,
    moved: &mut Vec<ContentBlock>,
) {
    let stays = |content: &ToolResultContent| {
        medium_of(content).is_none_or(|medium| capabilities.tool_result_input.contains(&medium))
    };
    if result.content.iter().all(stays) {
        return;
    }
    let id = result.tool_use_id.clone();
    moved.push(ContentBlock::Text(format!("Output of the tool call {id}:")));
    let mut kept = Vec::with_capacity(result.content.len());
    for content in result.content.drain(..) {
        match content {
            content if stays(&content) => kept.push(content),
            ToolResultContent::Image(image) => moved.push(ContentBlock::Image(image)),
            ToolResultContent::Document(document) => moved.push(ContentBlock::Document(document)),
            ToolResultContent::Video(video) => moved.push(ContentBlock::Video(video)),
            other => kept.push(other),
        }
    }
    if kept.is_empty() {
        let text = "The output follows the results of this turn.";
        kept.push(ToolResultContent::Text(text.to_owned()));
    }
    result.content = kept;
}

fn medium_of(content: &ToolResultContent) -> Option<Medium> {
    match content {
        ToolResultContent::Image(_) => Some(Medium::Image),
        ToolResultContent::Document(_) => Some(Medium::Document),
        ToolResultContent::Video(_) => Some(Medium::Video),
        ToolResultContent::Text(_)
        | ToolResultContent::Json(_)
        | ToolResultContent::SearchResult(_) => None,
    }
}

/// Adds a text to messages with a document but no text, after the media.
pub(super) fn add_text_with_documents(messages: &mut [Message]) {
    for message in messages.iter_mut().filter(|m| m.role == Role::User) {
        let has = |is: fn(&ContentBlock) -> bool| message.content.iter().any(is);
        let has_document = has(|block| matches!(block, ContentBlock::Document(_)));
        // Text in `guardContent` does not count.
        let has_text = has(|block| matches!(block, ContentBlock::Text(_)));
        if !has_document || has_text {
            continue;
        }
        // An instruction is not content of the message, and stays last.
        let is_content = |block: &ContentBlock| {
            block.is_substance() && !matches!(block, ContentBlock::Instruction(_))
        };
        let last = message.content.iter().rposition(is_content);
        let insert_at = last.map_or(0, |last| last + 1);
        let filler = ContentBlock::Text(FILLER.to_owned());
        message.content.insert(insert_at, filler);
    }
}
