//! The requests received, for tests to look at.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::Operation;

/// A request as it came in, refused or not.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// `GET` or `POST`.
    pub method: String,
    /// Path and query as they stood in the request line.
    pub path: String,
    /// The operation asked for, where there is such.
    pub operation: Option<Operation>,
    /// The model id, percent-decoded.
    pub model: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl JournalEntry {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// As `GET /_simulator/requests` shows it: the body as JSON where it is, and as base64.
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

/// The last requests, as many as it was made for.
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

    /// Notes what `received` gives; it is not called where nothing is kept.
    pub(crate) fn note(&self, received: impl FnOnce() -> JournalEntry) {
        if self.capacity == 0 {
            return;
        }
        let received = received();
        let mut entries = self.lock();
        if entries.len() == self.capacity {
            entries.pop_front();
        }
        entries.push_back(received);
    }

    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<JournalEntry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
