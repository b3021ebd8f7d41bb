use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::RateState;
use crate::config::LimitSettings;

/// The most names that a scope keeps apart. Clients may write any model's name, so the number is
/// bounded; idle ones make room.
const MOST_NAMES: usize = 4096;

type Rate = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// One limit, kept apart for each name: a caller's or a target's.
#[derive(Debug)]
pub(super) struct Scope {
    quota: Option<Quota>,
    calls_under_way: usize,
    entries: Mutex<HashMap<Box<str>, Arc<Entry>>>,
    clock: DefaultClock,
}

#[derive(Debug)]
struct Entry {
    rate: Option<Rate>,
    calls: Arc<Semaphore>,
}

/// A place among a name's calls.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) rate: Option<RateState>,
    _place: OwnedSemaphorePermit,
    _entry: Arc<Entry>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The rate.
    TooFast { wait: Duration, rate: RateState },
    /// The calls under way.
    TooMany,
}

impl Scope {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        let period = settings
            .requests_per_second()
            .map(|rate| Duration::from_secs_f64(1.0 / rate));
        let burst = NonZeroU32::new(settings.burst()).unwrap_or(NonZeroU32::MIN);
        let quota = period
            .and_then(Quota::with_period)
            .map(|quota| quota.allow_burst(burst));
        Self {
            quota,
            calls_under_way: settings.calls_under_way as usize,
            entries: Mutex::new(HashMap::new()),
            clock: DefaultClock::default(),
        }
    }

    pub(super) fn admit(&self, name: &str) -> Result<Admission, Refusal> {
        let entry = self.entry(name);
        let place = Arc::clone(&entry.calls)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooMany)?;
        let rate = match &entry.rate {
            None => None,
            Some(rate) => Some(self.check(rate)?),
        };
        Ok(Admission {
            rate,
            _place: place,
            _entry: entry,
        })
    }

    /// Waits for a place, and for the rate.
    pub(super) async fn turn(&self, name: &str) -> Admission {
        let entry = self.entry(name);
        let place = loop {
            // The semaphore is never closed.
            if let Ok(place) = Arc::clone(&entry.calls).acquire_owned().await {
                break place;
            }
        };
        let rate = match &entry.rate {
            None => None,
            Some(rate) => Some(self.wait(rate).await),
        };
        Admission {
            rate,
            _place: place,
            _entry: entry,
        }
    }

    async fn wait(&self, rate: &Rate) -> RateState {
        loop {
            match self.check(rate) {
                Ok(state) => return state,
                Err(Refusal::TooFast { wait, .. }) => tokio::time::sleep(wait).await,
                Err(Refusal::TooMany) => tokio::task::yield_now().await,
            }
        }
    }

    fn check(&self, rate: &Rate) -> Result<RateState, Refusal> {
        match rate.check() {
            Ok(snapshot) => Ok(state(snapshot.quota(), snapshot.remaining_burst_capacity())),
            Err(not_until) => Err(Refusal::TooFast {
                wait: not_until.wait_time_from(self.clock.now()),
                rate: state(not_until.quota(), 0),
            }),
        }
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get(name) {
            return Arc::clone(entry);
        }
        if entries.len() >= MOST_NAMES {
            // Without a rate an idle entry remembers nothing; with one, forgetting it early gives
            // a name that nobody has asked for lately its burst back.
            entries.retain(|_, entry| Arc::strong_count(entry) > 1);
        }
        let entry = Arc::new(Entry {
            rate: self.quota.map(|quota| {
                RateLimiter::direct(quota).with_middleware::<StateInformationMiddleware>()
            }),
            calls: Arc::new(Semaphore::new(self.calls_under_way)),
        });
        if entries.len() < MOST_NAMES {
            entries.insert(name.into(), Arc::clone(&entry));
        }
        entry
    }
}

fn state(quota: Quota, remaining: u32) -> RateState {
    let limit = quota.burst_size().get();
    let used = limit.saturating_sub(remaining);
    RateState {
        limit,
        remaining,
        reset: quota.replenish_interval().saturating_mul(used),
    }
}
