//! The assistant turn that is being read. Its blocks keep the order of the items, which is the
//! model's.

use super::chain::ReasoningChain;
use crate::converse::content::ContentBlock;
use crate::converse::remembered::RememberedTurn;
use crate::converse::request::Role;
use crate::dialects::openai_chat::{
    AssistantParts, ConversationReader, TextWithCachePoint, blocks_of, unsigned,
};
use crate::models::ReasoningReplay;

/// The note of reasoning that the model does not receive again.
const REASONING_REMOVED: &str = "reasoning removed";

/// The consecutive items of the model.
#[derive(Debug, Default)]
pub(super) struct Turn {
    blocks: Vec<ContentBlock>,
    /// The ids of the calls, as the client has them.
    calls: Vec<String>,
    /// Whether the client has reasoning that it does not send.
    has_hidden_reasoning: bool,
    /// The gateway's instructions before the turn, if the client sent its reasoning back.
    sealed: Option<Vec<String>>,
    /// The reasoning of the conversation.
    chain: ReasoningChain,
}

impl Turn {
    pub(super) fn texts(&mut self, texts: Vec<TextWithCachePoint>) {
        self.blocks.extend(blocks_of(texts));
    }

    pub(super) fn call(&mut self, id: String, block: ContentBlock) {
        self.calls.push(id);
        self.blocks.push(block);
    }

    /// Adds reasoning: what `seal` has, otherwise its text. A summary is not the reasoning itself.
    pub(super) fn reasoning(
        &mut self,
        seal: Option<&str>,
        text: Option<String>,
        is_hidden: bool,
        reader: &mut ConversationReader<'_>,
    ) {
        let context = reader.context;
        let sealed = seal.and_then(|seal| self.chain.open(seal, context, reader.adjustments));
        let block = match sealed {
            Some(reasoning) => {
                self.sealed.get_or_insert(reasoning.instructions);
                Some(reasoning.block)
            }
            None => {
                self.has_hidden_reasoning |= is_hidden && seal.is_none() && text.is_none();
                unsigned(text).pop()
            }
        };
        self.blocks
            .extend(block.map(ContentBlock::ReasoningContent));
    }

    /// Begins the conversation again after a summary, made at this time (Unix seconds).
    pub(super) fn restart(&mut self, summary: u64) {
        self.chain = ReasoningChain::after(summary);
    }

    /// Adds the turn to the conversation. If the client did not send its reasoning, the gateway may
    /// remember it by the ids of the calls.
    pub(super) fn end(&mut self, reader: &mut ConversationReader<'_>) {
        let Self {
            mut blocks,
            calls,
            has_hidden_reasoning,
            sealed,
            mut chain,
        } = std::mem::take(self);
        let recall = reader.context.recall;
        let remembered = || calls.iter().find_map(|id| recall(id));
        if let Some(instructions) = sealed {
            reader.instruct(&instructions);
        } else if let Some(turn) = remembered().filter(|_| chain.recalls()) {
            reader.instruct(&turn.instructions);
            blocks = with_remembered(blocks, &turn);
        } else if has_hidden_reasoning {
            chain.lose(reader.context);
            reader.adjustments.note("input[]", REASONING_REMOVED);
        }
        self.chain = chain;
        // Claude refuses thinking at the end of a message, as of a response that was cut off.
        let is_signed = reader.context.capabilities.reasoning_replay == ReasoningReplay::Signed;
        let is_reasoning = |block: &mut ContentBlock| {
            is_signed && matches!(block, ContentBlock::ReasoningContent(_))
        };
        while blocks.pop_if(is_reasoning).is_some() {}
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
