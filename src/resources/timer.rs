//! A timer for deadlines that are rarely reached.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A deadline that is set and cleared often and rarely reached. The timer of the runtime is created
/// only on the first wait, and moved only if it fires too early or would fire too late.
#[derive(Debug, Default)]
pub struct Timer {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Whether there is a deadline.
    pub fn is_set(&self) -> bool {
        self.deadline.is_some()
    }

    /// Replaces the deadline.
    pub fn set(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
    }

    /// Removes the deadline.
    pub fn clear(&mut self) {
        self.deadline = None;
    }

    /// Ready when the deadline is reached; pending without a deadline.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(context).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_latest_deadline_applies() {
        let start = Instant::now();
        let mut timer = Timer::default();
        for seconds in [100, 50, 200] {
            timer.set(start + Duration::from_secs(seconds));
            let polled = poll_fn(|context| Poll::Ready(timer.poll(context))).await;
            assert!(polled.is_pending());
        }
        poll_fn(|context| timer.poll(context)).await;
        assert_eq!(start.elapsed(), Duration::from_secs(200));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cleared_deadline_does_not_fire() {
        let mut timer = Timer::default();
        timer.set(Instant::now());
        timer.clear();
        assert!(!timer.is_set());
        let polled = poll_fn(|context| Poll::Ready(timer.poll(context))).await;
        assert!(polled.is_pending());
    }
}
