//! The requests that tests see, and the scripts that they queue for them.

use bytes::Bytes;
use http::request::Parts;

use crate::calls::Calls;
use crate::journal::{Journal, JournalEntry};
use crate::operation::Target;
use crate::scripts::Scripts;

#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) scripts: Scripts,
    pub(crate) journal: Journal,
    pub(crate) calls: Calls,
}

impl Traffic {
    /// `journal` is the number of requests to keep.
    pub(crate) fn new(journal: usize) -> Self {
        Self {
            scripts: Scripts::default(),
            journal: Journal::new(journal),
            calls: Calls::default(),
        }
    }

    /// Records and counts a request whose body has arrived.
    pub(crate) fn note(&self, head: &Parts, target: Option<&Target>, body: &Bytes) {
        self.journal.note(|| JournalEntry {
            method: head.method.to_string(),
            path: head
                .uri
                .path_and_query()
                .map_or_else(String::new, ToString::to_string),
            operation: target.map(|target| target.operation),
            model: target.and_then(|target| target.model.clone()),
            headers: head.headers.clone(),
            body: body.clone(),
        });
        self.calls.received();
    }

    pub(crate) fn clear(&self) {
        self.scripts.clear();
        self.journal.clear();
        self.calls.clear();
    }
}
