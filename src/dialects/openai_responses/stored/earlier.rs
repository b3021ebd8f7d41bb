//! What a request continues: the items of its previous response, and those that it refers to by id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::dialects::openai_responses::request::StringOrList;
use crate::dialects::openai_responses::request::types::{InputItem, ResponsesRequest};
use crate::error::ApiError;
use crate::store::StoredItem;

/// Stored items that belong to the conversation of a request.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// The conversation up to the previous response, the oldest item first.
    chain: Vec<StoredItem>,
    /// The items that the request refers to, by their ids.
    references: HashMap<Arc<str>, StoredItem>,
}

impl Earlier {
    /// The items of the previous response and those before it, and the items that the request
    /// refers to.
    pub fn new(chain: Vec<StoredItem>, references: Vec<StoredItem>) -> Self {
        let references = references.into_iter();
        let by_id = references.map(|item| (Arc::clone(&item.id), item));
        Self {
            chain,
            references: by_id.collect(),
        }
    }

    /// The number of items in front of those of the request.
    pub fn chain_items(&self) -> usize {
        self.chain.len()
    }

    /// The stored items, each once.
    pub fn items(&self) -> impl Iterator<Item = &StoredItem> {
        self.chain.iter().chain(self.references.values())
    }

    /// The length of the items as JSON, in bytes.
    pub fn length(&self) -> usize {
        self.items().map(|item| item.body.len()).sum()
    }

    /// The ids of the items in front of those of the request.
    pub(super) fn chain_ids(&self) -> HashSet<&str> {
        self.chain.iter().map(|item| &*item.id).collect()
    }

    /// The stored item that `item` refers to; `None` if it is an item itself.
    pub(super) fn referred(&self, item: &InputItem) -> Option<&StoredItem> {
        self.references.get(reference(item)?)
    }

    /// Puts the earlier items in front of those of `request`, and those that it refers to in place.
    ///
    /// # Errors
    ///
    /// If a stored item cannot be read.
    pub fn apply(&self, request: &mut ResponsesRequest) -> Result<(), ApiError> {
        if self.chain.is_empty() && self.references.is_empty() {
            return Ok(());
        }
        let own = own_items(request.input.take());
        let mut items = Vec::with_capacity(self.chain.len() + own.len());
        for stored in &self.chain {
            items.push(parsed(stored)?);
        }
        for item in own {
            items.push(match self.referred(&item) {
                Some(stored) => parsed(stored)?,
                None => item,
            });
        }
        request.input = Some(StringOrList::List(items));
        Ok(())
    }
}

/// The ids of the stored items that `request` refers to, each once, with the positions of the first
/// references.
pub(in super::super) fn references(request: &ResponsesRequest) -> Vec<&str> {
    let items = request.items().unwrap_or_default();
    let mut seen = HashSet::new();
    let ids = items.iter().filter_map(|item| reference(item));
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The items of an input; a string is a message of the user.
pub(super) fn own_items(input: Option<StringOrList<Box<InputItem>>>) -> Vec<Box<InputItem>> {
    match input {
        Some(StringOrList::List(items)) => items,
        Some(StringOrList::String(text)) => vec![Box::new(InputItem {
            kind: Some("message".to_owned()),
            role: Some("user".to_owned()),
            content: Some(StringOrList::String(text)),
            ..InputItem::default()
        })],
        None => Vec::new(),
    }
}

/// The id of the stored item that `item` refers to. Clients may leave out the type.
pub(super) fn reference(item: &InputItem) -> Option<&str> {
    let is_reference = match item.kind.as_deref() {
        Some(kind) => kind == "item_reference",
        None => item.role.is_none() && item.content.is_none(),
    };
    item.id.as_deref().filter(|_| is_reference)
}

fn parsed(item: &StoredItem) -> Result<Box<InputItem>, ApiError> {
    // It was read from a request, or is output of this gateway.
    serde_json::from_str(&item.body).map_err(|_| ApiError::internal())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> ResponsesRequest {
        serde_json::from_str(json).expect("a request")
    }

    fn item(id: &str) -> StoredItem {
        StoredItem {
            id: id.into(),
            is_output: false,
            body: format!(r#"{{"id":"{id}","type":"message","role":"user","content":"{id}"}}"#)
                .into(),
        }
    }

    fn ids(request: &ResponsesRequest) -> Vec<&str> {
        let items = request.items().unwrap_or_default();
        items
            .iter()
            .map(|item| item.id.as_deref().unwrap_or("-"))
            .collect()
    }

    #[test]
    fn references_have_a_type_or_only_an_id() {
        let request = request(
            r#"{"input": [{"type": "item_reference", "id": "a"}, {"id": "b"}, {"id": "a"},
                {"id": "c", "role": "user", "content": "c"}, {"type": "reasoning", "id": "d"}]}"#,
        );
        assert_eq!(references(&request), ["a", "b"]);
    }

    #[test]
    fn the_chain_precedes_the_items_and_references_are_replaced_in_place() {
        let earlier = Earlier::new(vec![item("one"), item("two")], vec![item("three")]);
        let mut list = request(
            r#"{"input": [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "three"},
                {"type": "item_reference", "id": "unknown"}]}"#,
        );
        earlier.apply(&mut list).expect("items");
        assert_eq!(ids(&list), ["one", "two", "-", "three", "unknown"]);
        let kinds: Vec<_> = list
            .items()
            .expect("items")
            .iter()
            .map(|item| item.kind.as_deref())
            .collect();
        assert_eq!(kinds[3..], [Some("message"), Some("item_reference")]);
        for input in [r#"{"input": "x"}"#, r#"{"input": []}"#, "{}"] {
            let mut request = request(input);
            earlier.apply(&mut request).expect("items");
            assert_eq!(ids(&request)[..2], ["one", "two"], "{input}");
        }
        let mut untouched = request(r#"{"input": "x"}"#);
        Earlier::default().apply(&mut untouched).expect("items");
        assert_eq!(untouched.items(), None);
    }
}
