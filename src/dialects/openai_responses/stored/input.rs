//! The items of a request and of its response as they are stored. Each has an id, by which clients
//! refer to it and page through lists.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;

use super::earlier::{Earlier, own_items, reference};
use crate::converse::JsonText;
use crate::dialects::openai_responses::request::types::{InputItem, ResponsesRequest};
use crate::store::StoredItem;

/// The maximum length of an id that a client chose.
const MAX_ID: usize = 64;

/// The items of `request` that are not among the earlier ones, and the items of its `output`. `stem`
/// is the part of the response's id that the ids of its items have.
///
/// # Errors
///
/// If an item cannot be written, or has no id.
pub(in super::super) fn stored_items(
    request: ResponsesRequest,
    earlier: &Earlier,
    output: &[JsonText],
    stem: &str,
) -> serde_json::Result<Vec<StoredItem>> {
    let mut ids = Ids {
        taken: earlier.chain_ids().into_iter().map(str::to_owned).collect(),
        stem,
    };
    let mut items = Vec::new();
    for (index, mut item) in own_items(request.input).into_iter().enumerate() {
        if let Some(stored) = earlier.referred(&item) {
            if ids.taken.insert(stored.id.to_string()) {
                items.push(StoredItem {
                    is_output: false,
                    ..stored.clone()
                });
            }
            continue;
        }
        // A control item is not part of the conversation; an unknown reference was refused.
        let is_stored = item.kind.as_deref() != Some("compaction_trigger");
        if is_stored && reference(&item).is_none() && ids.assign(&mut item, index) {
            items.push(StoredItem {
                id: item.id.as_deref().unwrap_or_default().into(),
                is_output: false,
                body: json(&item)?,
            });
        }
    }
    items.extend(output_items(output)?);
    Ok(items)
}

/// The items of a response's output.
///
/// # Errors
///
/// If an item has no id.
pub(in super::super) fn output_items(output: &[JsonText]) -> serde_json::Result<Vec<StoredItem>> {
    let items = output.iter().map(|item| {
        Ok(StoredItem {
            id: id_of(item)?,
            is_output: true,
            body: item.as_str().into(),
        })
    });
    items.collect()
}

/// The ids of a response's items.
struct Ids<'a> {
    taken: HashSet<String>,
    stem: &'a str,
}

impl Ids<'_> {
    /// Keeps the client's id, or sets one. Returns whether the item is new: one with a known id is a
    /// repetition.
    fn assign(&mut self, item: &mut InputItem, index: usize) -> bool {
        // The id of a local shell's output is that of its call.
        if item.kind.as_deref() == Some("local_shell_call_output") && item.id.is_some() {
            return true;
        }
        let own = item.id.as_deref().filter(|id| is_legal(id));
        match own {
            Some(id) => self.taken.insert(id.to_owned()),
            None => {
                let prefix = prefix(item.kind.as_deref());
                item.id = Some(format!("{prefix}{}i{index:04x}", self.stem));
                true
            }
        }
    }
}

fn is_legal(id: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(is_legal)
}

/// The prefix of the ids of items with this `type`.
fn prefix(kind: Option<&str>) -> &'static str {
    match kind {
        None | Some("message" | "agent_message") => "msg_",
        Some("reasoning") => "rs_",
        Some("function_call") => "fc_",
        Some("function_call_output") => "fco_",
        Some("custom_tool_call") => "ctc_",
        Some("custom_tool_call_output") => "ctco_",
        Some("tool_search_call") => "tsc_",
        Some("tool_search_output") => "tso_",
        Some("additional_tools") => "at_",
        Some("local_shell_call") => "lsh_",
        Some("shell_call") => "sh_",
        Some("shell_call_output") => "sho_",
        Some("apply_patch_call") => "apc_",
        Some("apply_patch_call_output") => "apco_",
        Some("compaction" | "context_compaction") => "cmp_",
        Some(_) => "item_",
    }
}

fn json(item: &InputItem) -> serde_json::Result<Arc<str>> {
    serde_json::to_string(item).map(Arc::from)
}

fn id_of(item: &JsonText) -> serde_json::Result<Arc<str>> {
    #[derive(Deserialize)]
    struct WithId {
        id: String,
    }
    let item: WithId = serde_json::from_str(item.as_str())?;
    Ok(item.id.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(id: &str) -> StoredItem {
        StoredItem {
            id: id.into(),
            is_output: true,
            body: format!(r#"{{"id":"{id}","type":"reasoning","summary":[]}}"#).into(),
        }
    }

    fn items(request: &str, earlier: &Earlier) -> Vec<StoredItem> {
        let request = serde_json::from_str(request).expect("a request");
        let output = JsonText::parse(r#"{"type":"message","id":"msg_9"}"#.to_owned());
        stored_items(request, earlier, &[output.expect("JSON")], "9").expect("items")
    }

    fn ids(items: &[StoredItem]) -> Vec<&str> {
        items.iter().map(|item| &*item.id).collect()
    }

    #[test]
    fn ids_of_clients_are_kept_and_missing_ones_are_set() {
        let request = r#"{"input": [{"role": "user", "content": "x"}, {"role": "user", "id": "own-1"},
            {"type": "function_call_output", "call_id": "c", "output": "1", "id": "not legal"},
            {"type": "additional_tools", "tools": []}, {"type": "local_shell_call_output", "id": "c2"},
            {"type": "compaction_trigger"}]}"#;
        let items = items(request, &Earlier::default());
        let expected = [
            "msg_9i0000",
            "own-1",
            "fco_9i0002",
            "at_9i0003",
            "c2",
            "msg_9",
        ];
        assert_eq!(ids(&items), expected);
        assert!(items[5].is_output && !items[0].is_output);
        assert!(
            items[0].body.contains(r#""id":"msg_9i0000""#),
            "{}",
            items[0].body
        );
    }

    #[test]
    fn a_string_is_a_message() {
        let items = items(r#"{"input": "Hello"}"#, &Earlier::default());
        let body = r#"{"type":"message","id":"msg_9i0000","role":"user","content":"Hello"}"#;
        assert_eq!(&*items[0].body, body);
    }

    #[test]
    fn items_of_the_chain_and_repetitions_are_not_stored_again() {
        let earlier = Earlier::new(vec![stored("old")], vec![stored("referred"), stored("old")]);
        let request = r#"{"input": [{"id": "old", "role": "user"}, {"id": "new", "role": "user"},
            {"id": "new", "role": "user"}, {"type": "item_reference", "id": "referred"},
            {"id": "referred"}, {"id": "old"}]}"#;
        let items = items(request, &earlier);
        assert_eq!(ids(&items), ["new", "referred", "msg_9"]);
        assert_eq!(
            (&items[1].body, items[1].is_output),
            (&stored("referred").body, false)
        );
    }
}
