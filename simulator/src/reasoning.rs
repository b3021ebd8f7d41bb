//! Whether a request enables reasoning.

use serde_json::Value;

use crate::conversation::{Conversation, text};
use crate::families::{Family, Reasoning};

/// Claude's `thinking` setting, or `reasoning_config`, a name that Converse also accepts (recording
/// `conv-claude-64de31c6`).
pub(crate) fn thinking<'a>(conversation: &Conversation<'a>) -> Option<&'a Value> {
    ["thinking", "reasoning_config"]
        .into_iter()
        .find_map(|name| conversation.additional.get(name))
        .filter(|thinking| !thinking.is_null())
}

/// Whether the response will contain reasoning.
pub(crate) fn is_on(family: &Family, conversation: &Conversation<'_>) -> bool {
    let additional = |name: &str| conversation.additional.get(name);
    match family.reasoning {
        Reasoning::None => false,
        Reasoning::Always | Reasoning::AlwaysEffort(_) | Reasoning::AlwaysAdaptive => true,
        Reasoning::Budget | Reasoning::BudgetOrAdaptive | Reasoning::Adaptive => {
            thinking(conversation)
                .is_some_and(|thinking| matches!(kind(thinking), "enabled" | "adaptive"))
        }
        Reasoning::Nova => additional("reasoningConfig").map(kind) == Some("enabled"),
        Reasoning::Effort => additional("reasoning_effort").is_some(),
        Reasoning::Config(_) => additional("reasoning_config").is_some(),
    }
}

/// The `type` of a setting.
pub(crate) fn kind(setting: &Value) -> &str {
    text(setting.get("type"))
}
