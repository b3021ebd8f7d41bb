//! The pace of a stream.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) use timer::Ticks;

/// The time until a stream's first tick: another part of the interval for each stream, so that
/// streams which begin together do not tick together.
fn first_tick(interval: Duration) -> Duration {
    /// The fractions of its multiples are spread evenly.
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_895;
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let started = STARTED.fetch_add(1, Ordering::Relaxed);
    let part = (f64::from(started) * GOLDEN_RATIO).fract();
    // A time of zero would disarm the timer.
    interval.mul_f64(part).max(Duration::from_micros(1))
}

/// Tokio's timers have a resolution of a millisecond: the events of many streams would be sent in
/// groups. The kernel's are exact, and cost one read for each tick.
#[cfg(target_os = "linux")]
mod timer {
    use std::fs::File;
    use std::pin::Pin;
    use std::task::ready;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{AsyncRead as _, ReadBuf};
    use tokio::net::unix::pipe;

    use super::{Context, Duration, Poll, first_tick, io};

    /// Ticks at a fixed interval. Missed ticks follow at once.
    #[derive(Debug)]
    pub(crate) struct Ticks {
        /// The timer's descriptor. It is read like a pipe that gets the number of ticks since the
        /// last read at each tick.
        timer: pipe::Receiver,
        missed: u64,
    }

    impl Ticks {
        pub(crate) fn start(interval: Duration) -> io::Result<Self> {
            let invalid = |_| io::ErrorKind::InvalidInput;
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            let schedule = Itimerspec {
                it_interval: interval.try_into().map_err(invalid)?,
                it_value: first_tick(interval).try_into().map_err(invalid)?,
            };
            timerfd_settime(&timer, TimerfdTimerFlags::empty(), &schedule)?;
            Ok(Self {
                timer: pipe::Receiver::from_file_unchecked(File::from(timer))?,
                missed: 0,
            })
        }

        /// Waits for the next tick.
        pub(crate) fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            if self.missed == 0 {
                let mut ticks = [0; size_of::<u64>()];
                let mut read = ReadBuf::new(&mut ticks);
                ready!(Pin::new(&mut self.timer).poll_read(context, &mut read))?;
                self.missed = u64::from_ne_bytes(ticks);
            }
            self.missed = self.missed.saturating_sub(1);
            Poll::Ready(Ok(()))
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod timer {
    use tokio::time::{Instant, Interval, interval_at};

    use super::{Context, Duration, Poll, first_tick, io};

    /// Ticks at a fixed interval. Missed ticks follow at once.
    #[derive(Debug)]
    pub(crate) struct Ticks(Interval);

    impl Ticks {
        pub(crate) fn start(interval: Duration) -> io::Result<Self> {
            let first = Instant::now() + first_tick(interval);
            Ok(Self(interval_at(first, interval)))
        }

        /// Waits for the next tick.
        pub(crate) fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_tick(context).map(|_| Ok(()))
        }
    }
}
