//! Ids of tool calls: of the form that the family takes, and each of one call alone. A model that
//! counts its calls anew in each turn (`functions.f:0`) repeats its ids, and Claude refuses a
//! conversation with one id twice.
//!
//! What an id becomes depends on itself and on the calls in front of it, so that a conversation
//! that goes on keeps what it had.

use std::collections::{HashMap, HashSet};

use crate::converse::content::ContentBlock;
use crate::converse::identifier::{identifier, nine_alphanumerics};
use crate::converse::request::{Message, Role};
use crate::models::{CallIdForm, Capabilities};

/// Gives each call an id of its own, and its result the same.
///
/// Results stand in the turn after their calls.
pub(super) fn make_unique(messages: &mut [Message], capabilities: &Capabilities) {
    let mut ids = CallIds {
        form: capabilities.tool_call_ids,
        calls: HashMap::new(),
        assigned: HashSet::new(),
    };
    let mut turn: HashMap<String, String> = HashMap::new();
    for message in messages {
        if message.role == Role::Assistant {
            turn.clear();
        }
        for block in &mut message.content {
            match block {
                ContentBlock::ToolUse(call) => {
                    let id = ids.next(&call.tool_use_id);
                    let before = std::mem::replace(&mut call.tool_use_id, id.clone());
                    turn.insert(before, id);
                }
                ContentBlock::ToolResult(result) => {
                    if let Some(id) = turn.get(&result.tool_use_id) {
                        result.tool_use_id.clone_from(id);
                    }
                }
                _ => {}
            }
        }
    }
}

struct CallIds {
    form: CallIdForm,
    /// The client's ids, and how many calls have had each.
    calls: HashMap<String, u32>,
    /// The ids that were given.
    assigned: HashSet<String>,
}

impl CallIds {
    /// The id of the next call, which the client calls `id`.
    fn next(&mut self, id: &str) -> String {
        let count = self.calls.entry(id.to_owned()).or_default();
        loop {
            *count += 1;
            let candidate = match *count {
                1 => self.form.of(id),
                count => self.form.of(&format!("{id}_{count}")),
            };
            if self.assigned.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

impl CallIdForm {
    /// `id` in this form.
    fn of(self, id: &str) -> String {
        match self {
            Self::Converse => identifier(id, &['_', '-', '.', ':']),
            Self::Words => identifier(id, &['_', '-']),
            Self::NineAlphanumericsOrBedrocks if is_bedrocks(id) => id.to_owned(),
            Self::NineAlphanumerics | Self::NineAlphanumericsOrBedrocks => {
                let is_one = id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
                match is_one {
                    true => id.to_owned(),
                    false => nine_alphanumerics(id),
                }
            }
        }
    }
}

/// Whether Bedrock gives ids like `id`.
fn is_bedrocks(id: &str) -> bool {
    let random = id.strip_prefix("tooluse_").map(str::as_bytes);
    random.is_some_and(|random| {
        let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        random.len() == 22 && random.iter().all(allowed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converse::JsonText;
    use crate::converse::content::{ToolResultBlock, ToolResultContent, ToolUseBlock};
    use proptest::prelude::*;

    /// A turn of calls and the turn of their results, for each list of ids.
    fn turns(ids: &[Vec<String>]) -> Vec<Message> {
        let turn = |ids: &Vec<String>| {
            let calls = ids.iter().map(|id| {
                ContentBlock::ToolUse(ToolUseBlock {
                    tool_use_id: id.clone(),
                    name: "f".to_owned(),
                    input: JsonText::empty_object(),
                })
            });
            let results = ids.iter().rev().map(|id| {
                ContentBlock::ToolResult(ToolResultBlock {
                    tool_use_id: id.clone(),
                    content: vec![ToolResultContent::no_output()],
                    status: None,
                })
            });
            let message = |role, content| Message { role, content };
            [
                message(Role::Assistant, calls.collect()),
                message(Role::User, results.collect()),
            ]
        };
        ids.iter().flat_map(turn).collect()
    }

    /// The ids of the calls, then of their results in the order of the calls.
    fn ids(messages: &[Message]) -> (Vec<String>, Vec<String>) {
        let (mut calls, mut results) = (Vec::new(), Vec::new());
        for message in messages {
            let of_turn = message.content.iter().filter_map(|block| match block {
                ContentBlock::ToolUse(call) => Some(call.tool_use_id.clone()),
                ContentBlock::ToolResult(result) => Some(result.tool_use_id.clone()),
                _ => None,
            });
            match message.role {
                Role::Assistant => calls.extend(of_turn),
                _ => results.extend(of_turn.collect::<Vec<_>>().into_iter().rev()),
            }
        }
        (calls, results)
    }

    fn unique(turns: &[Message], form: CallIdForm) -> Vec<Message> {
        let mut turns = turns.to_vec();
        let capabilities = Capabilities {
            tool_call_ids: form,
            ..Capabilities::default()
        };
        make_unique(&mut turns, &capabilities);
        turns
    }

    fn texts(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_duplicate_call_id_is_changed_together_with_its_result() {
        let ids_of = |form, turns: &[Vec<String>]| ids(&unique(&super::tests::turns(turns), form));
        let kimi = [
            texts(&["functions.f:0", "functions.f:1"]),
            texts(&["functions.f:0"]),
            texts(&["functions.f:0_2", "functions.f:0"]),
        ];
        let expected = [
            "functions.f:0",
            "functions.f:1",
            "functions.f:0_2",
            "functions.f:0_2_2",
            "functions.f:0_3",
        ];
        let (calls, results) = ids_of(CallIdForm::Converse, &kimi);
        assert_eq!(calls, expected);
        assert_eq!(results, expected);
        let (calls, results) = ids_of(CallIdForm::Words, &kimi);
        assert!(calls.iter().all(|id| !id.contains([':', '.'])), "{calls:?}");
        assert_eq!(calls, results);
    }

    #[test]
    fn nine_character_alphanumeric_ids_are_kept_and_others_become_one() {
        let turns = turns(&[texts(&["a1B2c3D4e", "tooluse_daIKOZu4g4GrvIIv9wdqy4", "a"])]);
        let (calls, results) = ids(&unique(&turns, CallIdForm::NineAlphanumerics));
        assert_eq!(calls, ["a1B2c3D4e", calls[1].as_str(), calls[2].as_str()]);
        assert!(calls.iter().all(|id| id.len() == 9), "{calls:?}");
        assert_eq!(calls, results);
        // [R] conv-mistral-4ef91c5d: Pixtral takes the ids that Bedrock gives.
        let (calls, _) = ids(&unique(&turns, CallIdForm::NineAlphanumericsOrBedrocks));
        assert_eq!(&calls[..2], ["a1B2c3D4e", "tooluse_daIKOZu4g4GrvIIv9wdqy4"]);
        assert_eq!(calls[2].len(), 9);
    }

    proptest! {
        #[test]
        fn call_ids_are_unique_and_stable_across_turns(
            turns in proptest::collection::vec(
                proptest::collection::hash_set("[ab:_2]{1,4}|\\PC{60,70}", 1..4), 1..6,
            ),
            form in proptest::sample::select(vec![
                CallIdForm::Converse, CallIdForm::Words, CallIdForm::NineAlphanumerics,
                CallIdForm::NineAlphanumericsOrBedrocks,
            ]),
        ) {
            let turns: Vec<Vec<String>> =
                turns.into_iter().map(|ids| ids.into_iter().collect()).collect();
            let whole = unique(&super::tests::turns(&turns), form);
            let (calls, results) = ids(&whole);
            prop_assert_eq!(&calls, &results);
            let apart: HashSet<&String> = calls.iter().collect();
            prop_assert_eq!(apart.len(), calls.len());
            for length in 0..turns.len() {
                let shorter = unique(&super::tests::turns(&turns[..length]), form);
                prop_assert_eq!(&whole[..shorter.len()], &shorter[..]);
            }
        }
    }
}
