//! The store's operations on responses in the background. Readers of events and workers are
//! notified of changes in this process; they find those of other processes by polling.

use std::sync::Arc;

use super::state::{ResponseState, Storage};
use crate::store::{Lease, ResponseEnd, ResponseEvents, ResponseJob, StoreError, StoredResponse};

/// A change of a response in the background.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// It has more events.
    Events(Arc<str>),
    /// It has ended, or was deleted.
    Ended(Arc<str>),
}

impl Change {
    /// The response.
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Events(id) | Self::Ended(id) => id,
        }
    }
}

impl ResponseState {
    /// Stores a response that is queued, with its job and its first events; `false` if there is no
    /// room for it.
    pub(super) async fn add_queued(
        &self,
        response: StoredResponse,
        job: &str,
        events: ResponseEvents,
    ) -> Result<bool, StoreError> {
        let added = match &self.storage {
            Storage::Off => false,
            Storage::Memory(memory) => memory.add_queued(response, job, events),
            Storage::Disk(store) => {
                store.add_queued_response(&response, job, &events).await?;
                true
            }
        };
        self.queued.notify_one();
        Ok(added)
    }

    /// The number of responses of `owner` that have not ended.
    pub(super) async fn count_jobs(&self, owner: &str) -> Result<u64, StoreError> {
        match &self.storage {
            Storage::Off => Ok(0),
            Storage::Memory(memory) => Ok(memory.count_jobs(owner)),
            Storage::Disk(store) => store.count_response_jobs(owner).await,
        }
    }

    /// The ids of responses that no worker generates at `now`, oldest first.
    pub(super) async fn free_jobs(&self, now: i64, limit: u32) -> Result<Vec<String>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(Vec::new()),
            Storage::Memory(memory) => Ok(memory.free_jobs(now, limit)),
            Storage::Disk(store) => store.free_response_jobs(now, limit).await,
        }
    }

    /// Acquires or renews the lease of a job; `None` if another worker has it or it has ended.
    pub(super) async fn lease_job(
        &self,
        id: &str,
        lease: Lease<'_>,
    ) -> Result<Option<ResponseJob>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(None),
            Storage::Memory(memory) => Ok(memory.lease_job(id, lease)),
            Storage::Disk(store) => store.lease_response_job(id, lease).await,
        }
    }

    /// Marks a queued response as in progress; `false` if it is not queued.
    pub(super) async fn begin(&self, id: &str, document: &str) -> Result<bool, StoreError> {
        match &self.storage {
            Storage::Off => Ok(false),
            Storage::Memory(memory) => Ok(memory.begin(id, document)),
            Storage::Disk(store) => store.begin_response(id, document).await,
        }
    }

    /// Adds events of a response in progress; `false` if it is not.
    pub(super) async fn add_events(
        &self,
        id: &str,
        events: ResponseEvents,
    ) -> Result<bool, StoreError> {
        let added = match &self.storage {
            Storage::Off => false,
            Storage::Memory(memory) => memory.add_events(id, events),
            Storage::Disk(store) => store.add_response_events(id, &events).await?,
        };
        self.report(Change::Events(id.into()));
        Ok(added)
    }

    /// Ends a response; `false`, without a change, if it has ended already.
    pub(super) async fn end(
        &self,
        owner: &str,
        id: &str,
        end: ResponseEnd,
    ) -> Result<bool, StoreError> {
        let ended = match &self.storage {
            Storage::Off => false,
            Storage::Memory(memory) => memory.end(owner, id, end),
            Storage::Disk(store) => store.end_response(owner, id, &end).await?,
        };
        self.report(Change::Ended(id.into()));
        Ok(ended)
    }

    /// The events of a response, from the row that has the event `from` on.
    pub(super) async fn events(
        &self,
        owner: &str,
        id: &str,
        from: u64,
    ) -> Result<Vec<ResponseEvents>, StoreError> {
        match &self.storage {
            Storage::Off => Ok(Vec::new()),
            Storage::Memory(memory) => Ok(memory.events(owner, id, from)),
            Storage::Disk(store) => store.response_events(owner, id, from).await,
        }
    }

    /// Tells readers and workers of this process about a change.
    pub(super) fn report(&self, change: Change) {
        // An error means that nobody waits.
        let _ = self.changes.send(change);
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::tests::{item, response, states};
    use super::*;

    async fn queue(state: &ResponseState, id: &str) {
        let response = StoredResponse {
            status: "queued".into(),
            items: vec![item(&format!("msg_{id}"), "{}")],
            ..response("a", id, None)
        };
        let added = state.add_queued(response, "job", events(0, "01")).await;
        assert!(added.expect("stored"));
    }

    fn events(first_number: u64, events: &str) -> ResponseEvents {
        ResponseEvents {
            first_number,
            events: events.into(),
        }
    }

    fn end(status: &str) -> ResponseEnd {
        ResponseEnd {
            status: status.into(),
            document: format!("{{\"status\":\"{status}\"}}").into(),
            output: vec![item("out", "output")],
            events: Some(events(4, "4")),
        }
    }

    async fn lease(state: &ResponseState, id: &str, owner: &str, now: i64) -> Option<ResponseJob> {
        let until = now + 10;
        let lease = Lease { owner, now, until };
        state.lease_job(id, lease).await.expect("a query")
    }

    async fn read(state: &ResponseState, owner: &str, from: u64) -> String {
        let rows = state.events(owner, "1", from).await.expect("a query");
        rows.iter().map(|row| &*row.events).collect()
    }

    #[tokio::test]
    async fn a_job_is_leased_to_one_worker_at_a_time_until_it_ends() {
        for state in states() {
            queue(&state, "1").await;
            queue(&state, "2").await;
            assert_eq!(state.count_jobs("a").await.expect("a query"), 2);
            assert_eq!(state.count_jobs("b").await.expect("a query"), 0);
            let free = async |now| state.free_jobs(now, 10).await.expect("a query");
            assert_eq!(free(0).await, ["1", "2"]);
            let job = lease(&state, "1", "one", 0).await.expect("a job");
            assert_eq!(
                (&*job.owner, &*job.status, &*job.document),
                ("a", "queued", "job")
            );
            assert_eq!(free(9).await, ["2"]);
            assert!(
                lease(&state, "1", "one", 5).await.is_some(),
                "the holder renews it"
            );
            assert!(lease(&state, "1", "two", 14).await.is_none());
            assert!(
                lease(&state, "1", "two", 15).await.is_some(),
                "the lease has expired"
            );
            assert!(state.end("a", "1", end("failed")).await.expect("a query"));
            assert!(lease(&state, "1", "two", 16).await.is_none());
            assert_eq!(free(100).await, ["2"]);
            assert!(state.remove("a", "2", 10).await.expect("a query"));
            assert_eq!(state.count_jobs("a").await.expect("a query"), 0);
            assert!(lease(&state, "2", "one", 100).await.is_none());
        }
    }

    #[tokio::test]
    async fn events_are_read_from_the_row_of_a_number_on() {
        for state in states() {
            queue(&state, "1").await;
            assert!(
                !state
                    .add_events("1", events(2, "early"))
                    .await
                    .expect("a query")
            );
            assert!(state.begin("1", "{}").await.expect("a query"));
            assert!(!state.begin("1", "{}").await.expect("a query"));
            assert!(
                state
                    .add_events("1", events(2, "23"))
                    .await
                    .expect("a query")
            );
            assert!(
                state
                    .end("a", "1", end("completed"))
                    .await
                    .expect("a query")
            );
            for (from, expected) in [
                (0, "01234"),
                (1, "01234"),
                (2, "234"),
                (3, "234"),
                (4, "4"),
                (9, "4"),
            ] {
                assert_eq!(read(&state, "a", from).await, expected, "{from}");
            }
            assert_eq!(read(&state, "b", 0).await, "");
            assert!(
                !state
                    .add_events("1", events(5, "late"))
                    .await
                    .expect("a query")
            );
            assert!(state.remove("a", "1", 10).await.expect("a query"));
            assert_eq!(read(&state, "a", 0).await, "");
        }
    }

    #[tokio::test]
    async fn a_cancelled_response_never_completes() {
        for state in states() {
            queue(&state, "1").await;
            assert!(state.begin("1", "{}").await.expect("a query"));
            assert!(
                !state
                    .end("b", "1", end("cancelled"))
                    .await
                    .expect("a query")
            );
            assert!(
                state
                    .end("a", "1", end("cancelled"))
                    .await
                    .expect("a query")
            );
            assert!(
                !state
                    .end("a", "1", end("completed"))
                    .await
                    .expect("a query")
            );
            let found = state
                .response("a", "1", 10)
                .await
                .expect("a query")
                .expect("a response");
            assert_eq!(&*found.document, "{\"status\":\"cancelled\"}");
            assert_eq!(found.items, [item("msg_1", "{}"), item("out", "output")]);
            let kept = state.chain("a", "1", 10).await.expect("a query");
            assert_eq!(kept, super::super::state::Chain::Missing("1".into()));
        }
    }
}
