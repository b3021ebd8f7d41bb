//! Requests that replace a conversation by its summary, and conversations that begin with one.

use super::content::StringOrList;
use super::types::InputItem;
use crate::dialects::openai_responses::field_names::ResponsesFieldNames;
use crate::error::ApiError;

/// The item that requests a compaction.
const TRIGGER: &str = "compaction_trigger";

/// What the model is asked for, after the conversation.
pub(super) const INSTRUCTION: &str = "\
    The context window is nearly full. Write a summary of this conversation; it will replace the \
    conversation, and you will continue the work with nothing else. Write down the user's goals, \
    requirements and preferences; the decisions that were made, with their reasons; what is done, and \
    what remains to do; and all facts that are needed to go on, such as names of files, identifiers, \
    commands, results and errors, word for word where the wording matters. Answer with the summary \
    only.";

/// What precedes a summary.
const HEADING: &str = "Summary of the conversation so far, which it replaces:";

/// A summary, as the model receives it.
pub(super) fn framed(summary: &str) -> String {
    format!("{HEADING}\n\n{summary}")
}

/// Whether the input ends with the item that requests a compaction.
pub(in super::super) fn is_triggered(input: &[Box<InputItem>]) -> bool {
    input.last().is_some_and(|item| is_trigger(item))
}

fn is_trigger(item: &InputItem) -> bool {
    item.kind.as_deref() == Some(TRIGGER)
}

/// Checks where a compaction is requested, and that there is something to compact.
pub(super) fn check(
    input: &StringOrList<Box<InputItem>>,
    names: &ResponsesFieldNames,
) -> Result<(), ApiError> {
    let StringOrList::List(items) = input else {
        return Ok(());
    };
    let Some(index) = items.iter().position(|item| is_trigger(item)) else {
        return Ok(());
    };
    let problem = match items.len() {
        1 => "there is nothing to compact; send the conversation in front of it",
        length if index + 1 < length => {
            "a `compaction_trigger` must be the last item, and the only one of its type"
        }
        _ => return Ok(()),
    };
    let path = names.item(index);
    Err(ApiError::invalid(format!("{path}.type"), problem))
}
