//! A clock that tests can advance.

use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    ahead: Mutex<Duration>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            ahead: Mutex::default(),
        }
    }
}

impl Clock {
    /// Time since the clock was created.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed().saturating_add(*self.ahead.lock())
    }

    /// Wall-clock time plus the advance.
    pub(crate) fn time_of_day(&self) -> SystemTime {
        SystemTime::now() + *self.ahead.lock()
    }

    pub(crate) fn advance(&self, time: Duration) {
        let mut ahead = self.ahead.lock();
        *ahead = ahead.saturating_add(time);
    }

    /// Undoes every advance.
    pub(crate) fn reset(&self) {
        *self.ahead.lock() = Duration::ZERO;
    }
}
