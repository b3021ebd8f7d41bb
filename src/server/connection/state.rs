//! The state of a connection, shared by its socket, its service, its bodies and the slots.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Context;

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// The origin of `ConnectionState::since`.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The phase of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ConnectionPhase {
    /// No byte of the next request has arrived.
    Idle,
    /// A part of a head has arrived.
    Head,
    /// The request is handled; its body may still arrive.
    Request,
    /// The response is written.
    Response,
    /// hyper has the last byte of the response.
    Finished,
    /// The response is sent; the rest of the request is discarded.
    Lingering,
    /// Its slot is needed for another connection.
    Evicted,
}

impl ConnectionPhase {
    const ALL: [Self; 7] = [
        Self::Idle,
        Self::Head,
        Self::Request,
        Self::Response,
        Self::Finished,
        Self::Lingering,
        Self::Evicted,
    ];
}

/// The kind of a response, for a client that has closed its sending side.
#[derive(Debug, Clone, Default)]
pub(super) enum ResponseKind {
    /// It is complete, and is sent in any case.
    Complete,
    /// A stream that can contain a comment to detect a disconnected client.
    Events(Arc<Notify>),
    /// A stream without comments.
    #[default]
    Opaque,
}

/// The progress of reading a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum BodyProgress {
    /// It has been read completely.
    Complete,
    /// It is being read, or will be.
    Reading,
    /// It was dropped before its end.
    Dropped,
}

/// The state of one connection.
#[derive(Debug, Default)]
pub(super) struct ConnectionState {
    phase: AtomicU8,
    /// Milliseconds from [`EPOCH`] to the start of the idle time or of the head.
    since: AtomicU64,
    has_served: AtomicBool,
    /// Whether interim responses can be sent: HTTP/1.0 has none.
    is_http_1_0: AtomicBool,
    body: AtomicU8,
    /// The length of the body; [`u64::MAX`] for a chunked one.
    body_length: AtomicU64,
    /// Whether the client has closed its sending side.
    input_ended: AtomicBool,
    /// Whether the reader of the body waits for bytes that can no longer arrive.
    is_starved: AtomicBool,
    response: Mutex<ResponseKind>,
    /// The connection's task, while it waits for bytes.
    reader: AtomicWaker,
    /// The reader of the request body, while it waits for bytes.
    body_reader: AtomicWaker,
}

impl ConnectionState {
    pub(super) fn new() -> Arc<Self> {
        let state = Self::default();
        state.note_time();
        Arc::new(state)
    }

    pub(super) fn phase(&self) -> ConnectionPhase {
        let phase = self.phase.load(Ordering::Acquire);
        let phase = ConnectionPhase::ALL.get(usize::from(phase));
        phase.copied().unwrap_or(ConnectionPhase::Evicted)
    }

    fn set_phase(&self, phase: ConnectionPhase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Changes the phase from `from` to `to`, unless it is another one by now.
    fn step(&self, from: ConnectionPhase, to: ConnectionPhase) -> bool {
        let step =
            self.phase
                .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire);
        step.is_ok()
    }

    fn note_time(&self) {
        let since = EPOCH.elapsed().as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Relaxed);
    }

    /// Records that bytes have arrived; `true` for the first of a request. They cancel an eviction.
    pub(super) fn received(&self) -> bool {
        let is_first = matches!(
            self.phase(),
            ConnectionPhase::Idle | ConnectionPhase::Evicted
        );
        if is_first {
            self.note_time();
            self.set_phase(ConnectionPhase::Head);
        }
        is_first
    }

    /// Records that the response is sent; `has_started` if a part of the next head has arrived.
    pub(super) fn rest(&self, has_started: bool) {
        self.note_time();
        let next = match has_started {
            true => ConnectionPhase::Head,
            false => ConnectionPhase::Idle,
        };
        self.step(ConnectionPhase::Finished, next);
    }

    /// Records that the rest of the request is being discarded.
    pub(super) fn linger(&self) {
        self.note_time();
        self.set_phase(ConnectionPhase::Lingering);
    }

    /// Records the head of a request.
    pub(super) fn begin_request(&self, is_http_1_0: bool, body_length: Option<u64>) {
        let body = match body_length {
            Some(0) => BodyProgress::Complete,
            _ => BodyProgress::Reading,
        };
        let body_length = body_length.unwrap_or(u64::MAX);
        self.body_length.store(body_length, Ordering::Relaxed);
        self.is_http_1_0.store(is_http_1_0, Ordering::Relaxed);
        self.is_starved.store(false, Ordering::Relaxed);
        self.set_body(body);
        self.has_served.store(true, Ordering::Relaxed);
        self.set_phase(ConnectionPhase::Request);
    }

    pub(super) fn begin_response(&self, kind: ResponseKind) {
        *self.response.lock() = kind;
        self.set_phase(ConnectionPhase::Response);
        if self.input_ended.load(Ordering::Acquire) {
            self.reader.wake();
        }
    }

    pub(super) fn finish_response(&self) {
        self.step(ConnectionPhase::Response, ConnectionPhase::Finished);
    }

    pub(super) fn response(&self) -> ResponseKind {
        let response = self.response.lock();
        response.clone()
    }

    pub(super) fn is_http_1_0(&self) -> bool {
        self.is_http_1_0.load(Ordering::Relaxed)
    }

    pub(super) fn body(&self) -> BodyProgress {
        match self.body.load(Ordering::Acquire) {
            body if body == BodyProgress::Complete as u8 => BodyProgress::Complete,
            body if body == BodyProgress::Reading as u8 => BodyProgress::Reading,
            _ => BodyProgress::Dropped,
        }
    }

    /// The length of the body; `None` for a chunked one.
    pub(super) fn body_length(&self) -> Option<u64> {
        let length = self.body_length.load(Ordering::Relaxed);
        (length != u64::MAX).then_some(length)
    }

    /// Sets the progress of the body, and wakes a task that waits for the end of the input.
    pub(super) fn set_body(&self, body: BodyProgress) {
        self.body.store(body as u8, Ordering::Release);
        if self.input_ended() {
            self.reader.wake();
        }
    }

    /// Records that the client has closed its sending side.
    pub(super) fn end_input(&self) {
        self.input_ended.store(true, Ordering::Release);
        self.body_reader.wake();
    }

    pub(super) fn input_ended(&self) -> bool {
        self.input_ended.load(Ordering::Acquire)
    }

    /// Wakes the task of `context` when the input ends.
    pub(super) fn register_body(&self, context: &Context<'_>) {
        self.body_reader.register(context.waker());
    }

    /// Records that the reader of the body waits although the input has ended.
    pub(super) fn starve(&self) {
        self.is_starved.store(true, Ordering::Release);
        self.reader.wake();
    }

    pub(super) fn is_starved(&self) -> bool {
        self.is_starved.load(Ordering::Acquire)
    }

    /// Wakes the task of `context` on eviction, or when the reader of a body needs the end of the
    /// input.
    pub(super) fn register(&self, context: &Context<'_>) {
        self.reader.register(context.waker());
    }

    /// The rank for eviction, lowest first; `None` while the connection has a request.
    pub(super) fn eviction_rank(&self) -> Option<(u8, u64)> {
        let kind = match self.phase() {
            ConnectionPhase::Lingering => 0,
            ConnectionPhase::Idle if !self.has_served.load(Ordering::Relaxed) => 1,
            ConnectionPhase::Idle => 2,
            ConnectionPhase::Head => 3,
            ConnectionPhase::Request
            | ConnectionPhase::Response
            | ConnectionPhase::Finished
            | ConnectionPhase::Evicted => return None,
        };
        Some((kind, self.since.load(Ordering::Relaxed)))
    }

    /// Evicts the connection, unless it has received a request meanwhile.
    pub(super) fn evict(&self) -> bool {
        let phase = self.phase();
        let evictable = matches!(
            phase,
            ConnectionPhase::Idle | ConnectionPhase::Head | ConnectionPhase::Lingering
        );
        let evicted = evictable && self.step(phase, ConnectionPhase::Evicted);
        if evicted {
            self.reader.wake();
        }
        evicted
    }
}
