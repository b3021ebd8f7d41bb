//! The journal of received requests, for inspection by tests.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::Operation;

/// A request as received, whether it was accepted or rejected.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query of the request line.
    pub path: String,
    /// The requested operation; `None` if no operation matches.
    pub operation: Option<Operation>,
    /// The model id, percent-decoded.
    pub model: Option<String>,
    /// Request headers.
    pub headers: HeaderMap,
    /// Request body.
    pub body: Bytes,
}

impl JournalEntry {
    /// The body as JSON; `null` if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The format of `GET /_simulator/requests`: the body in base64, and as JSON if it parses.
    pub(crate) fn to_json(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into(),
                )
            })
            .collect();
        json!({
            "method": self.method,
            "path": self.path,
            "operation": self.operation,
            "model": self.model,
            "headers": headers,
            "body_json": self.json(),
            "body_base64": BASE64_STANDARD.encode(&self.body),
        })
    }
}

/// The latest requests, up to a fixed capacity.
#[derive(Debug)]
pub(crate) struct Journal {
    capacity: usize,
    entries: Mutex<VecDeque<JournalEntry>>,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Mutex::default(),
        }
    }

    /// Adds the entry that `received` creates; with capacity 0, `received` is not called.
    pub(crate) fn note(&self, received: impl FnOnce() -> JournalEntry) {
        if self.capacity == 0 {
            return;
        }
        let received = received();
        let mut entries = self.entries.lock();
        if entries.len() == self.capacity {
            entries.pop_front();
        }
        entries.push_back(received);
    }

    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.entries.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().clear();
    }
}
