//! Counters of calls: received, in flight, and abandoned by the client.

use tokio::sync::watch;

/// A snapshot of the counters.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Calls whose body was received completely.
    pub(crate) received: usize,
    /// Calls whose response has not been sent completely.
    pub(crate) open: usize,
    /// Calls whose client disconnected before the last byte.
    pub(crate) abandoned: usize,
}

/// Counts calls and wakes tasks that wait for a count.
#[derive(Debug, Clone)]
pub(crate) struct Calls(watch::Sender<Counts>);

impl Default for Calls {
    fn default() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }
}

impl Calls {
    /// Counts a call as in flight until the guard is dropped.
    pub(crate) fn begin(&self) -> OpenCall {
        self.0.send_modify(|counts| counts.open += 1);
        OpenCall {
            calls: self.clone(),
            ended: false,
        }
    }

    /// Counts a call whose body has arrived.
    pub(crate) fn received(&self) {
        self.0.send_modify(|counts| counts.received += 1);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.0.borrow()
    }

    /// Resets the counters except calls in flight.
    pub(crate) fn clear(&self) {
        self.0.send_modify(|counts| {
            counts.received = 0;
            counts.abandoned = 0;
        });
    }

    /// Waits until the predicate holds.
    pub(crate) async fn wait(&self, reached: impl Fn(&Counts) -> bool) {
        // `wait_for` fails only if the sender is dropped, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|counts| reached(counts)).await;
    }
}

/// A call in flight. Dropped without [`OpenCall::end`] it counts as abandoned: the server drops
/// everything that belongs to a call when the client disconnects.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: Calls,
    ended: bool,
}

impl OpenCall {
    /// Marks the response as sent completely.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.calls.0.send_modify(|counts| {
            counts.open -= 1;
            if !self.ended {
                counts.abandoned += 1;
            }
        });
    }
}
