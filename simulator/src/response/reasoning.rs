//! The reasoning of a generated response.

use serde_json::{Value, json};

use super::output::Part;
use crate::binding::Prefix;
use crate::conversation::{Conversation, text};
use crate::families::{Family, Maker, Reasoning};
use crate::usage;
use crate::{reasoning, signatures};

/// Claude's documented trigger for redacted reasoning (recording `conv-claude-0eda66e2`): this text
/// followed by a code.
const SEALED: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";

/// The reasoning text.
const THOUGHT: &str = "The user wants an answer. A simulator has none of its own, so I will repeat what the user said to me.";

/// The reasoning block and its token count; `None` if reasoning is off.
pub(super) fn part(
    family: &Family,
    conversation: &Conversation<'_>,
    user_text: &str,
) -> Option<(Part, u64)> {
    if !reasoning::is_on(family, conversation) {
        return None;
    }
    let bound = family
        .binds_thinking
        .then(|| Prefix::of(conversation).bound());
    let content = match family.maker {
        Maker::Anthropic if user_text.contains(SEALED) => {
            json!({ "redactedContent": signatures::redacted(THOUGHT, bound) })
        }
        Maker::Anthropic => {
            let reasoning_text = if is_visible(family, conversation) {
                THOUGHT
            } else {
                ""
            };
            json!({ "reasoningText": { "signature": signatures::signature(reasoning_text, bound), "text": reasoning_text } })
        }
        // Recording `conv-nova-e80b8b52`.
        Maker::Amazon => json!({ "reasoningText": { "text": "[REDACTED]." } }),
        Maker::Other => json!({ "reasoningText": { "text": THOUGHT } }),
    };
    let part = Part::Other(json!({ "reasoningContent": content }));
    Some((part, usage::of_text(THOUGHT)))
}

/// Models with adaptive thinking only omit the text unless the request asks for it.
fn is_visible(family: &Family, conversation: &Conversation<'_>) -> bool {
    let display = reasoning::thinking(conversation).and_then(|thinking| thinking.get("display"));
    match family.reasoning {
        Reasoning::Adaptive | Reasoning::AlwaysAdaptive => text(display) == "summarized",
        _ => display != Some(&Value::from("omitted")),
    }
}
