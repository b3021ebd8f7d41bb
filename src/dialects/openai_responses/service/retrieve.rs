//! The routes about stored responses.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::background::FollowStream;
use super::state::{Chain, Retrieved, now};
use super::{ResponseState, StoredResponses};
use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::dialects::openai_responses::response::replayed;
use crate::dialects::openai_responses::stored::{DeletedResponse, listed, retrieved};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::Caller;
use crate::reply::{Adjustments, Reply};
use crate::store::StoredItem;
use crate::usage::Ledger;
use crate::wire::Words;
use crate::wire::page::{ListPage, PageQuery, PageRules};

/// The query parameters of lists of items, as in OpenAI's API.
const RULES: PageRules = PageRules {
    default: 20,
    max: 100,
    has_order: true,
    has_purpose: false,
};

const STREAMED: Words<bool> = Words::new("a boolean", &[("true", true), ("false", false)]);

/// A response as the client retrieves it.
#[derive(Debug)]
pub(crate) enum Retrieval {
    /// The object.
    Object(Reply),
    /// Its events.
    Events(Bytes),
    /// The events of a response in the background.
    Followed(Box<FollowStream>),
}

/// How a response is retrieved.
#[derive(Debug, Default, PartialEq, Eq)]
struct RetrieveQuery {
    stream: bool,
    /// The number of the last event that the client has.
    starting_after: Option<u64>,
}

/// Retrieves a response: the object, or the events of its stream.
pub(crate) async fn retrieve(
    stored: &StoredResponses,
    caller: &Caller,
    id: &str,
    query: impl Iterator<Item = (String, String)>,
    ledger: &Arc<Ledger>,
) -> Result<Retrieval, ApiError> {
    let query = RetrieveQuery::read(query)?;
    let owner = stored.owner(caller);
    let found = find(stored, &owner, id).await?;
    if !query.stream {
        return reply_of(&found).map(Retrieval::Object);
    }
    let response = retrieved(&found.document, &found.items)?;
    let skipped = query
        .starting_after
        .map_or(0, |number| number.saturating_add(1));
    let in_background = response.get("background").map(JsonText::as_str) == Some("true");
    Ok(match in_background {
        true => {
            let (state, ledger) = (Arc::clone(&stored.state), Arc::clone(ledger));
            let stream = FollowStream::new(state, owner, id, skipped, ledger);
            Retrieval::Followed(Box::new(stream))
        }
        false => Retrieval::Events(replayed(&response, skipped)),
    })
}

/// The object of a stored response.
pub(super) fn reply_of(found: &Retrieved) -> Result<Reply, ApiError> {
    Reply::json(&retrieved(&found.document, &found.items)?)
}

/// Deletes a response.
pub(crate) async fn delete(
    stored: &StoredResponses,
    caller: &Caller,
    id: &str,
) -> Result<Reply, ApiError> {
    enabled(&stored.state)?;
    let owner = stored.owner(caller);
    match stored.state.remove(&owner, id, now()).await? {
        true => Reply::json(&DeletedResponse::new(id)),
        false => Err(not_found(id)),
    }
}

/// Lists the items of a response's request, and of the conversation before it.
pub(crate) async fn input_items(
    stored: &StoredResponses,
    caller: &Caller,
    id: &str,
    query: impl Iterator<Item = (String, String)>,
) -> Result<Reply, ApiError> {
    // What `include` can add is always there.
    let query = query.filter(|(name, _)| !matches!(name.as_str(), "include" | "include[]"));
    let mut adjustments = Adjustments::default();
    let query = PageQuery::read(query, RULES, &mut adjustments)?;
    let owner = stored.owner(caller);
    let found = find(stored, &owner, id).await?;
    let mut items = match previous_id(&found.document)? {
        Some(previous) => match stored.state.chain(&owner, &previous, now()).await? {
            Chain::Items(items) => items,
            // It was deleted, or has expired.
            Chain::Missing(_) | Chain::Unfinished | Chain::TooLong => Vec::new(),
        },
        None => Vec::new(),
    };
    items.extend(found.items.into_iter().filter(|item| !item.is_output));
    let (page, has_more) = page(items, &query)?;
    let listed = page.iter().map(|item| {
        let json = listed(item)?;
        Ok(ListedItem {
            id: Arc::clone(&item.id),
            json,
        })
    });
    let listed: Result<Vec<ListedItem>, ApiError> = listed.collect();
    let page = ListPage::new(listed?, has_more, |item: &ListedItem| &item.id);
    Ok(Reply::json(&page)?.adjusted(adjustments))
}

/// An item with its id.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ListedItem {
    #[serde(skip)]
    id: Arc<str>,
    json: JsonText,
}

pub(super) async fn find(
    stored: &StoredResponses,
    owner: &str,
    id: &str,
) -> Result<Retrieved, ApiError> {
    enabled(&stored.state)?;
    let found = stored.state.response(owner, id, now()).await?;
    found.ok_or_else(|| not_found(id))
}

/// The requested page of `items`, which are in order, and whether more follow.
fn page(
    mut items: Vec<StoredItem>,
    query: &PageQuery,
) -> Result<(Vec<StoredItem>, bool), ApiError> {
    if query.newest_first {
        items.reverse();
    }
    let start = match &query.after {
        None => 0,
        Some(after) => {
            let position = items.iter().position(|item| *item.id == **after);
            let position = position.ok_or_else(|| {
                let message = format!("`after` is `{after}`, which is not an item of this list");
                ApiError::invalid("after", message)
            });
            position? + 1
        }
    };
    let limit = query.limit as usize;
    let has_more = items.len() - start > limit;
    Ok((
        items.into_iter().skip(start).take(limit).collect(),
        has_more,
    ))
}

/// The response that the one of `document` continues.
fn previous_id(document: &str) -> Result<Option<String>, ApiError> {
    let document = JsonText::parse(document.to_owned()).map_err(|_| ApiError::internal())?;
    let fields = Fields::from_object(&document).ok_or_else(ApiError::internal)?;
    let id = fields.get("previous_response_id").map(JsonText::as_str);
    let id = serde_json::from_str(id.unwrap_or("null"));
    id.map_err(|_| ApiError::internal())
}

impl RetrieveQuery {
    /// Reads the query parameters. Others add members that are always there.
    fn read(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, ApiError> {
        let mut query = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "stream" => query.stream = STREAMED.parse(&value, "stream")?,
                "starting_after" => {
                    let number = value.parse().map_err(|_| {
                        let message = format!(
                            "`starting_after` is `{value}`; it must be the `sequence_number` of an \
                             event"
                        );
                        ApiError::invalid("starting_after", message)
                    });
                    query.starting_after = Some(number?);
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

fn enabled(state: &ResponseState) -> Result<(), ApiError> {
    if state.is_enabled() {
        return Ok(());
    }
    let message = "this gateway does not store responses; the operator enables it with \
                   `[responses] store`";
    Err(ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotEnabled))
}

pub(super) fn not_found(id: &str) -> ApiError {
    let message = format!("Response with id '{id}' not found.");
    ApiError::new(ErrorKind::NotFound, message)
        .parameter("response_id")
        .code(ErrorCode::NotFound)
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::item;
    use super::*;

    #[test]
    fn the_query_of_a_retrieval_is_checked() {
        let read = |pairs: &[(&str, &str)]| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            RetrieveQuery::read(pairs.iter().map(owned))
        };
        let expected = RetrieveQuery {
            stream: true,
            starting_after: Some(7),
        };
        let query = read(&[
            ("stream", "true"),
            ("starting_after", "7"),
            ("include[]", "x"),
        ]);
        assert_eq!(query, Ok(expected));
        for (name, value) in [("stream", "maybe"), ("starting_after", "-1")] {
            let error = read(&[(name, value)]).expect_err(value);
            assert_eq!(error.path().as_deref(), Some(name));
        }
    }

    #[test]
    fn pages_continue_after_an_item() {
        let items = || ["a", "b", "c"].map(|id| item(id, "{}")).to_vec();
        let page_of = |after: Option<&str>, limit, newest_first| {
            let query = PageQuery {
                after: after.map(str::to_owned),
                limit,
                newest_first,
                purpose: None,
            };
            let (page, has_more) = page(items(), &query)?;
            let ids: Vec<String> = page.iter().map(|item| item.id.to_string()).collect();
            Ok::<_, ApiError>((ids.concat(), has_more))
        };
        assert_eq!(page_of(None, 2, false), Ok(("ab".to_owned(), true)));
        assert_eq!(page_of(Some("b"), 2, false), Ok(("c".to_owned(), false)));
        assert_eq!(page_of(None, 2, true), Ok(("cb".to_owned(), true)));
        assert_eq!(page_of(Some("a"), 2, true), Ok((String::new(), false)));
        let error = page_of(Some("x"), 2, true).expect_err("unknown");
        assert_eq!(error.path().as_deref(), Some("after"));
    }
}
