//! How many calls came, are under way, and were left by their clients.

use tokio::sync::watch;

/// The numbers at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// Calls that have come in whole.
    pub(crate) received: usize,
    /// Calls not yet answered to the last byte.
    pub(crate) open: usize,
    /// Calls whose client went away before the last byte.
    pub(crate) abandoned: usize,
}

/// Counts calls and wakes those who wait for a count.
#[derive(Debug, Clone)]
pub(crate) struct Calls(watch::Sender<Counts>);

impl Default for Calls {
    fn default() -> Self {
        Self(watch::Sender::new(Counts::default()))
    }
}

impl Calls {
    /// A call begins; it is under way until the guard is dropped.
    pub(crate) fn begin(&self) -> OpenCall {
        self.0.send_modify(|counts| counts.open += 1);
        OpenCall {
            calls: self.clone(),
            ended: false,
        }
    }

    /// A call's body has arrived.
    pub(crate) fn received(&self) {
        self.0.send_modify(|counts| counts.received += 1);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.0.borrow()
    }

    /// Forgets what is past; open calls stay counted.
    pub(crate) fn clear(&self) {
        self.0.send_modify(|counts| {
            counts.received = 0;
            counts.abandoned = 0;
        });
    }

    /// Waits until the counts are as asked.
    pub(crate) async fn wait(&self, reached: impl Fn(&Counts) -> bool) {
        // Fails only when the sender is gone, and `self` holds it.
        let _ = self.0.subscribe().wait_for(|counts| reached(counts)).await;
    }
}

/// A call under way. Dropped without [`OpenCall::end`] it counts as abandoned: the server drops
/// everything that belongs to a call when the client goes away.
#[derive(Debug)]
pub(crate) struct OpenCall {
    calls: Calls,
    ended: bool,
}

impl OpenCall {
    /// Everything that was to be sent has been handed over.
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
