//! The assistant turn that is being read. Its blocks keep the order of the items, which is the
//! model's.

use crate::converse::content::ContentBlock;
use crate::converse::remembered::RememberedTurn;
use crate::converse::request::Role;
use crate::dialects::openai_chat::{
    AssistantParts, ConversationReader, TextWithCachePoint, blocks_of, unsigned,
};

/// The note of reasoning that the model does not receive again.
const REASONING_REMOVED: &str = "reasoning removed";

/// The consecutive items of the model.
#[derive(Debug, Default)]
pub(super) struct Turn {
    blocks: Vec<ContentBlock>,
    /// The ids of the calls, as the client has them.
    calls: Vec<String>,
    /// Whether the client has reasoning that the gateway cannot read.
    has_hidden_reasoning: bool,
}

impl Turn {
    pub(super) fn texts(&mut self, texts: Vec<TextWithCachePoint>) {
        self.blocks.extend(blocks_of(texts));
    }

    pub(super) fn call(&mut self, id: String, block: ContentBlock) {
        self.calls.push(id);
        self.blocks.push(block);
    }

    /// Adds reasoning. A summary is not the reasoning itself, so only its text counts.
    pub(super) fn reasoning(&mut self, text: Option<String>, is_hidden: bool) {
        self.has_hidden_reasoning |= is_hidden && text.is_none();
        let blocks = unsigned(text).into_iter();
        self.blocks
            .extend(blocks.map(ContentBlock::ReasoningContent));
    }

    /// Adds the turn to the conversation, with the reasoning that the gateway remembers by the ids
    /// of its calls.
    pub(super) fn end(&mut self, reader: &mut ConversationReader<'_>) {
        let Self {
            mut blocks,
            calls,
            has_hidden_reasoning,
        } = std::mem::take(self);
        let recall = reader.context.recall;
        match calls.iter().find_map(|id| recall(id)) {
            Some(turn) => {
                reader.instruct(&turn.instructions);
                blocks = with_remembered(blocks, &turn);
            }
            None if has_hidden_reasoning => reader.adjustments.note("input[]", REASONING_REMOVED),
            None => {}
        }
        if !blocks.is_empty() {
            reader.push(Role::Assistant, blocks);
        }
    }
}

/// The blocks of the turn in the order in which the model wrote them.
fn with_remembered(blocks: Vec<ContentBlock>, turn: &RememberedTurn) -> Vec<ContentBlock> {
    let (mut text, mut calls, mut others) = (String::new(), Vec::new(), Vec::new());
    for block in blocks {
        match block {
            ContentBlock::Text(more) => text.push_str(&more),
            ContentBlock::ToolUse(_) => calls.push(block),
            ContentBlock::ReasoningContent(_) => {}
            other => others.push(other),
        }
    }
    let reasoning = turn.reasoning.iter().cloned();
    let parts = AssistantParts {
        reasoning: reasoning.map(ContentBlock::ReasoningContent).collect(),
        texts: (!text.is_empty())
            .then_some((text, None))
            .into_iter()
            .collect(),
        refusal: None,
        calls,
    };
    let mut blocks = parts.blocks(turn.order.clone());
    blocks.append(&mut others);
    blocks
}
