//! The store of responses, with the same operations in memory and on disk.

use std::sync::Arc;
use std::time::Duration;

use super::memory::{ResponseMemory, link};
use crate::config::{ResponseStorage, ResponsesSettings};
use crate::gateway::unix_seconds;
use crate::store::{ResponseLink, Store, StoreError, StoredItem, StoredResponse};

/// The maximum number of responses in a chain.
pub(super) const MAX_DEPTH: u32 = 1000;

/// The maximum length of the items of a chain, in bytes.
pub(super) const MAX_CHAIN_BYTES: usize = 32 << 20;

/// The time between removals of expired responses.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Expired responses that are removed from disk at a time.
const SWEEP_SLICE: u32 = 100;

/// The time between slices, in which others can write.
const SWEEP_PAUSE: Duration = Duration::from_millis(20);

/// The stored responses of all callers. The operations with `now`, in Unix seconds, find only what
/// has not expired then.
#[derive(Debug)]
pub struct ResponseState {
    storage: Storage,
}

#[derive(Debug)]
enum Storage {
    Off,
    Memory(ResponseMemory),
    Disk(Arc<Store>),
}

/// What a request continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chain {
    /// The items of the response and of those before it, the oldest first.
    Items(Vec<StoredItem>),
    /// There is no response with this id that can be continued.
    Missing(Arc<str>),
    /// The response has not ended yet.
    Unfinished,
    /// It exceeds [`MAX_DEPTH`] or [`MAX_CHAIN_BYTES`].
    TooLong,
}

/// A stored response without the conversation before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retrieved {
    /// The object without its output.
    pub(super) document: Arc<str>,
    /// The items of its request, and then its output.
    pub(super) items: Vec<StoredItem>,
}

impl ResponseState {
    /// The store that `settings` choose. Expired responses are removed until `closing` ends.
    pub fn start(
        settings: ResponsesSettings,
        store: &Arc<Store>,
        closing: impl Future<Output = ()> + Send + 'static,
    ) -> Arc<Self> {
        let state = Arc::new(Self::new(settings, store));
        if state.is_enabled() {
            let swept = Arc::clone(&state);
            tokio::spawn(async move {
                tokio::select! {
                    () = closing => {}
                    () = swept.sweep() => {}
                }
            });
        }
        state
    }

    fn new(settings: ResponsesSettings, store: &Arc<Store>) -> Self {
        let storage = match settings.store {
            ResponseStorage::Off => Storage::Off,
            ResponseStorage::Memory => {
                let memory = ResponseMemory::new(settings.memory_size, settings.memory_ttl);
                Storage::Memory(memory)
            }
            ResponseStorage::Disk => Storage::Disk(Arc::clone(store)),
        };
        Self { storage }
    }

    /// Whether responses are stored.
    pub(crate) fn is_enabled(&self) -> bool {
        !matches!(self.storage, Storage::Off)
    }

    /// Checks that the database can be opened, if responses are stored there.
    pub async fn ready(&self) -> Result<(), StoreError> {
        match &self.storage {
            Storage::Off | Storage::Memory(_) => Ok(()),
            Storage::Disk(store) => store.open().await,
        }
    }

    /// Stores a response; `false` if there is no room for it. When this returns, all requests find
    /// it.
    pub(super) async fn add(&self, response: StoredResponse) -> Result<bool, StoreError> {
        match &self.storage {
            Storage::Off => Ok(false),
            Storage::Memory(memory) => Ok(memory.add(response)),
            Storage::Disk(store) => store.add_response(&response).await.map(|()| true),
        }
    }

    /// The response `id` of `owner`.
    pub(super) async fn response(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<Retrieved>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(None),
            Storage::Memory(memory) => Ok(memory.response(owner, id).map(|found| Retrieved {
                document: Arc::clone(&found.document),
                items: found.items.clone(),
            })),
            Storage::Disk(store) => {
                let Some(document) = store.response_document(owner, id, now).await? else {
                    return Ok(None);
                };
                let items = store.response_items(owner, id).await?;
                Ok(Some(Retrieved { document, items }))
            }
        }
    }

    /// What a request continues that names the response `id` of `owner`.
    pub(super) async fn chain(&self, owner: &str, id: &str, now: i64) -> Result<Chain, StoreError> {
        // One more than allowed, to find out.
        let limit = MAX_DEPTH + 1;
        match &self.storage {
            Storage::Off => Ok(Chain::Missing(id.into())),
            Storage::Memory(memory) => {
                let chain = memory.chain(owner, id, limit);
                let links: Vec<ResponseLink> = chain.iter().map(|found| link(found)).collect();
                Ok(refusal(id, &links).unwrap_or_else(|| {
                    let oldest_first = chain.iter().rev();
                    Chain::Items(oldest_first.flat_map(|found| found.items.clone()).collect())
                }))
            }
            Storage::Disk(store) => {
                let links = store.response_chain(owner, id, now, limit).await?;
                if let Some(refusal) = refusal(id, &links) {
                    return Ok(refusal);
                }
                let items = store.chain_items(owner, id, now, limit).await?;
                // A response may have been deleted since.
                let bytes = items.iter().map(|item| item.body.len()).sum::<usize>();
                Ok(match bytes == bytes_of(&links) {
                    true => Chain::Items(items),
                    false => Chain::Missing(id.into()),
                })
            }
        }
    }

    /// The item `id` of `owner`, of the newest response with it.
    pub(super) async fn item(
        &self,
        owner: &str,
        id: &str,
        now: i64,
    ) -> Result<Option<StoredItem>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(None),
            Storage::Memory(memory) => Ok(memory.item(owner, id)),
            Storage::Disk(store) => store.response_item(owner, id, now).await,
        }
    }

    /// Deletes the response `id` of `owner`; `false` if there is none.
    pub(super) async fn remove(&self, owner: &str, id: &str, now: i64) -> Result<bool, StoreError> {
        match &self.storage {
            Storage::Off => Ok(false),
            Storage::Memory(memory) => Ok(memory.remove(owner, id)),
            Storage::Disk(store) => store.remove_response(owner, id, now).await,
        }
    }

    /// Removes expired responses from time to time. Never ends.
    async fn sweep(&self) {
        loop {
            match self.remove_expired(now()).await {
                Ok(0) => {}
                Ok(responses) => tracing::info!(responses, "expired responses deleted"),
                Err(error) => tracing::error!(%error, "cannot delete expired responses"),
            }
            tokio::time::sleep(SWEEP_INTERVAL).await;
        }
    }

    /// Removes what has expired; returns the number of responses that were deleted from disk.
    async fn remove_expired(&self, now: i64) -> Result<u64, StoreError> {
        let store = match &self.storage {
            Storage::Off => return Ok(0),
            Storage::Memory(memory) => {
                memory.remove_expired();
                return Ok(0);
            }
            Storage::Disk(store) => store,
        };
        let mut count = 0;
        loop {
            let deleted = store.remove_expired_responses(now, SWEEP_SLICE).await?;
            if deleted == 0 {
                break;
            }
            count += deleted;
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        while count > 0 && store.shrink().await? {
            tokio::time::sleep(SWEEP_PAUSE).await;
        }
        Ok(count)
    }
}

/// The current time, in Unix seconds.
pub(super) fn now() -> i64 {
    i64::try_from(unix_seconds()).unwrap_or(i64::MAX)
}

fn bytes_of(links: &[ResponseLink]) -> usize {
    links.iter().map(|link| link.bytes).sum()
}

/// Why the response `id` with its predecessors, `links`, cannot be continued; `None` if it can.
fn refusal(id: &str, links: &[ResponseLink]) -> Option<Chain> {
    let Some(newest) = links.first() else {
        return Some(Chain::Missing(id.into()));
    };
    match &*newest.status {
        "completed" | "incomplete" => {}
        "queued" | "in_progress" => return Some(Chain::Unfinished),
        _ => return Some(Chain::Missing(id.into())),
    }
    if links.len() > MAX_DEPTH as usize || bytes_of(links) > MAX_CHAIN_BYTES {
        return Some(Chain::TooLong);
    }
    let oldest = links.last()?;
    oldest.previous_id.clone().map(Chain::Missing)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A response of `owner` with one input and one output item.
    pub(in super::super) fn response(
        owner: &str,
        id: &str,
        previous_id: Option<&str>,
    ) -> StoredResponse {
        let output = StoredItem {
            is_output: true,
            ..item(&format!("out_{id}"), &format!("output of {id:>4}"))
        };
        StoredResponse {
            id: id.into(),
            owner: owner.into(),
            previous_id: previous_id.map(Arc::from),
            status: "completed".into(),
            document: "{}".into(),
            items: vec![
                item(&format!("msg_{id}"), &format!("input of {id:>4}")),
                output,
            ],
            created_at: 1,
            expires_at: Some(100),
        }
    }

    pub(in super::super) fn item(id: &str, body: &str) -> StoredItem {
        StoredItem {
            id: id.into(),
            is_output: false,
            body: body.into(),
        }
    }

    /// A store in memory and one on disk, which behave alike.
    fn states() -> [ResponseState; 2] {
        let store = Arc::new(crate::store::scratch());
        [ResponseStorage::Memory, ResponseStorage::Disk].map(|storage| {
            let settings = ResponsesSettings {
                store: storage,
                ..ResponsesSettings::default()
            };
            ResponseState::new(settings, &store)
        })
    }

    async fn add(state: &ResponseState, responses: impl IntoIterator<Item = StoredResponse>) {
        for response in responses {
            assert!(state.add(response).await.expect("stored"));
        }
    }

    async fn chain(state: &ResponseState, owner: &str, id: &str) -> Result<Vec<String>, Chain> {
        match state.chain(owner, id, 10).await.expect("a query") {
            Chain::Items(items) => Ok(items.iter().map(|item| item.id.to_string()).collect()),
            refusal => Err(refusal),
        }
    }

    fn missing(id: &str) -> Result<Vec<String>, Chain> {
        Err(Chain::Missing(id.into()))
    }

    #[tokio::test]
    async fn a_chain_has_the_items_of_all_responses_oldest_first() {
        for state in states() {
            let more = (0..250).map(|number| item(&format!("more_{number:03}"), "x"));
            let mut first = response("a", "1", None);
            first.items.extend(more);
            add(&state, [first, response("a", "2", Some("1"))]).await;
            // Two responses may continue the same one.
            add(
                &state,
                [response("a", "3", Some("2")), response("a", "4", Some("2"))],
            )
            .await;
            let ids = chain(&state, "a", "3").await.expect("a chain");
            assert_eq!(ids.len(), 256);
            assert_eq!(ids[..3], ["msg_1", "out_1", "more_000"]);
            assert_eq!(ids[251..], ["more_249", "msg_2", "out_2", "msg_3", "out_3"]);
            assert_eq!(chain(&state, "a", "4").await.expect("a chain").len(), 256);
        }
    }

    #[tokio::test]
    async fn only_the_owner_finds_responses_and_items() {
        for state in states() {
            add(
                &state,
                [response("a", "1", None), response("b", "2", Some("1"))],
            )
            .await;
            assert_eq!(chain(&state, "b", "1").await, missing("1"));
            // The owner of the successor does not read the predecessor.
            assert_eq!(chain(&state, "b", "2").await, missing("1"));
            assert_eq!(state.response("b", "1", 10).await.expect("a query"), None);
            assert_eq!(state.item("b", "msg_1", 10).await.expect("a query"), None);
            assert!(!state.remove("b", "1", 10).await.expect("a query"));
            let found = state.response("a", "1", 10).await.expect("a query");
            assert_eq!(
                found.map(|found| found.items),
                Some(response("a", "1", None).items)
            );
        }
    }

    #[tokio::test]
    async fn a_deleted_response_ends_its_chain_and_its_items_are_gone() {
        for state in states() {
            add(
                &state,
                [response("a", "1", None), response("a", "2", Some("1"))],
            )
            .await;
            assert!(state.remove("a", "1", 10).await.expect("a query"));
            assert!(!state.remove("a", "1", 10).await.expect("a query"));
            assert_eq!(chain(&state, "a", "1").await, missing("1"));
            assert_eq!(chain(&state, "a", "2").await, missing("1"));
            assert_eq!(state.item("a", "out_1", 10).await.expect("a query"), None);
            assert!(
                state
                    .item("a", "out_2", 10)
                    .await
                    .expect("a query")
                    .is_some()
            );
        }
    }

    #[tokio::test]
    async fn an_item_is_that_of_the_newest_response_with_it() {
        for state in states() {
            let mut again = response("a", "2", None);
            again.items = vec![item("other", "-"), item("msg_1", "edited")];
            add(&state, [response("a", "1", None), again]).await;
            let found = state.item("a", "msg_1", 10).await.expect("a query");
            assert_eq!(found, Some(item("msg_1", "edited")));
            assert!(state.remove("a", "2", 10).await.expect("a query"));
            let found = state.item("a", "msg_1", 10).await.expect("a query");
            assert_eq!(found, Some(response("a", "1", None).items[0].clone()));
            assert_eq!(state.item("a", "msg", 10).await.expect("a query"), None);
        }
    }

    #[tokio::test]
    async fn only_responses_that_have_ended_well_are_continued() {
        for state in states() {
            for (id, status) in [("1", "in_progress"), ("2", "failed"), ("3", "incomplete")] {
                let status = status.into();
                let response = response("a", id, None);
                add(&state, [StoredResponse { status, ..response }]).await;
            }
            assert_eq!(chain(&state, "a", "1").await, Err(Chain::Unfinished));
            assert_eq!(chain(&state, "a", "2").await, missing("2"));
            assert!(chain(&state, "a", "3").await.is_ok());
            assert_eq!(chain(&state, "a", "4").await, missing("4"));
        }
    }

    #[tokio::test]
    async fn the_length_of_a_chain_is_limited() {
        for state in states() {
            let id = |number: u32| format!("{number:04}");
            add(&state, [response("a", &id(0), None)]).await;
            for number in 1..=MAX_DEPTH {
                add(&state, [response("a", &id(number), Some(&id(number - 1)))]).await;
            }
            assert!(chain(&state, "a", &id(MAX_DEPTH - 1)).await.is_ok());
            assert_eq!(
                chain(&state, "a", &id(MAX_DEPTH)).await,
                Err(Chain::TooLong)
            );
            let mut large = response("a", "large", None);
            large.items = vec![item("large", &"x".repeat(MAX_CHAIN_BYTES))];
            add(&state, [large, response("a", "next", Some("large"))]).await;
            assert!(chain(&state, "a", "large").await.is_ok());
            assert_eq!(chain(&state, "a", "next").await, Err(Chain::TooLong));
        }
    }

    #[tokio::test]
    async fn responses_on_disk_expire_and_are_removed_in_slices() {
        let [_, disk] = states();
        let expired = (0..250).map(|number| response("a", &format!("old_{number:03}"), None));
        add(&disk, expired).await;
        let lasting = StoredResponse {
            expires_at: None,
            ..response("a", "new", Some("old_000"))
        };
        add(&disk, [lasting]).await;
        assert!(
            disk.response("a", "old_000", 99)
                .await
                .expect("a query")
                .is_some()
        );
        assert_eq!(
            disk.response("a", "old_000", 100).await.expect("a query"),
            None
        );
        assert_eq!(
            disk.item("a", "msg_old_000", 100).await.expect("a query"),
            None
        );
        assert!(!disk.remove("a", "old_000", 100).await.expect("a query"));
        let broken = disk.chain("a", "new", 100).await.expect("a query");
        assert_eq!(broken, Chain::Missing("old_000".into()));
        assert_eq!(disk.remove_expired(99).await.expect("a query"), 0);
        assert_eq!(disk.remove_expired(100).await.expect("a query"), 250);
        assert_eq!(
            disk.item("a", "msg_old_001", 1).await.expect("a query"),
            None
        );
        assert!(
            disk.item("a", "msg_new", 1000)
                .await
                .expect("a query")
                .is_some()
        );
    }

    #[tokio::test]
    async fn nothing_is_stored_without_a_store() {
        let store = Arc::new(crate::store::scratch());
        let settings = ResponsesSettings {
            store: ResponseStorage::Off,
            ..ResponsesSettings::default()
        };
        let state = ResponseState::new(settings, &store);
        assert!(!state.add(response("a", "1", None)).await.expect("no error"));
        assert_eq!(chain(&state, "a", "1").await, missing("1"));
        assert!(!store.exists());
    }
}
