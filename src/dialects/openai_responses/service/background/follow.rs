//! Follows the events of a response in the background: those that are stored, and then the next ones
//! as they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::dialects::openai_responses::response::{
    count_events, ended_event, from_event, is_ended, keepalive,
};
use crate::dialects::openai_responses::service::jobs::Change;
use crate::dialects::openai_responses::service::state::{ResponseState, now};
use crate::dialects::openai_responses::stored::retrieved;
use crate::error::ApiError;
use crate::reply::ResponseStream;
use crate::usage::Ledger;

/// How often a reader looks for events of another process.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The events of a response from a number on, until it has ended.
#[derive(Debug)]
pub(crate) struct FollowStream {
    state: Arc<ResponseState>,
    owner: Arc<str>,
    id: Arc<str>,
    /// The number of the next event.
    next: u64,
    /// Whether the last event was returned.
    is_over: bool,
    changes: broadcast::Receiver<Change>,
    ledger: Arc<Ledger>,
}

impl FollowStream {
    /// The events of the response `id` of `owner` from the number `next` on.
    pub(crate) fn new(
        state: Arc<ResponseState>,
        owner: Arc<str>,
        id: &str,
        next: u64,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self {
            // Before the events are read, so that no change is missed.
            changes: state.changes.subscribe(),
            state,
            owner,
            id: id.into(),
            next,
            is_over: false,
            ledger,
        }
    }

    /// The events that are stored and were not returned yet.
    async fn stored(&mut self) -> Result<Bytes, ApiError> {
        // First, so that all events of a response that has ended are read after it.
        let found = self.state.response(&self.owner, &self.id, now()).await?;
        let rows = self.state.events(&self.owner, &self.id, self.next).await?;
        let mut bytes = Vec::new();
        let (mut end, mut has_ended) = (0, false);
        for row in rows {
            let skipped = self.next.saturating_sub(row.first_number);
            let events = from_event(&row.events, skipped);
            self.next = self.next.saturating_add(count_events(events));
            bytes.extend_from_slice(events.as_bytes());
            end = row.first_number.saturating_add(count_events(&row.events));
            has_ended = is_ended(&row.events);
        }
        let Some(found) = found.filter(|_| !has_ended) else {
            // Its last event is among those, or it was deleted.
            self.is_over = true;
            return Ok(bytes.into());
        };
        let response = retrieved(&found.document, &found.items)?;
        if let Some(last) = ended_event(&response, end) {
            self.is_over = true;
            // The client may have it already.
            if self.next <= end {
                bytes.extend_from_slice(&last);
            }
        }
        Ok(bytes.into())
    }

    /// Waits until the response has changed, or may have changed in another process.
    async fn change(&mut self) {
        let changed = async {
            loop {
                match self.changes.recv().await {
                    Ok(change) if change.id() == &*self.id => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // An error means that it is time to look.
        let _ = tokio::time::timeout(POLL_INTERVAL, changed).await;
    }
}

impl ResponseStream for FollowStream {
    fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        while !self.is_over {
            let bytes = self.stored().await?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
            if !self.is_over {
                self.change().await;
            }
        }
        Ok(None)
    }

    /// The response goes on, so that there is no event about it; the client can follow it again.
    fn fail(&mut self, _error: &ApiError) -> Bytes {
        Bytes::new()
    }

    fn keepalive(&mut self) -> Bytes {
        keepalive(self.next.saturating_sub(1))
    }

    fn is_finished(&self) -> bool {
        self.is_over
    }

    fn done(&mut self) -> Bytes {
        self.ledger.completed();
        Bytes::new()
    }
}
