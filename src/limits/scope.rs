use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::RateState;
use crate::config::LimitSettings;

/// How many names that are not configured a scope keeps apart. Clients may write any model's name,
/// so the number is bounded. Names that are idle and have their whole burst back make room.
const MAX_NAMES: usize = 4096;

/// How often names are searched for such that make room, while there are too many.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

type Rate = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

type Now = <DefaultClock as Clock>::Instant;

/// One limit, kept apart for each name: a caller's or a target's.
#[derive(Debug)]
pub(super) struct Scope {
    quota: Option<Quota>,
    calls_under_way: usize,
    /// Names of the operator's own, which are never evicted.
    configured: HashMap<Box<str>, Arc<Entry>>,
    others: Mutex<Names>,
    /// What names share that arrive while there are too many: a name that has no entry of its own
    /// must not have a limit of its own either, or made-up names would go without.
    overflow: Arc<Entry>,
    clock: DefaultClock,
    started: Now,
}

/// Names that clients have written.
#[derive(Debug, Default)]
struct Names {
    entries: HashMap<Box<str>, Arc<Entry>>,
    /// When the last search for room was in vain.
    full_at: Option<Now>,
}

#[derive(Debug)]
struct Entry {
    rate: Option<Rate>,
    /// When the whole burst is back, in nanoseconds since the scope started.
    replenished_at: AtomicU64,
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
    /// A scope in which the names of `configured` are always kept apart.
    pub(super) fn new<'a>(
        settings: &LimitSettings,
        configured: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let period = settings
            .requests_per_second()
            .map(|rate| Duration::from_secs_f64(1.0 / rate));
        let burst = NonZeroU32::new(settings.burst()).unwrap_or(NonZeroU32::MIN);
        let quota = period
            .and_then(Quota::with_period)
            .map(|quota| quota.allow_burst(burst));
        let calls = settings.calls_under_way as usize;
        let clock = DefaultClock::default();
        let configured = configured.into_iter();
        Self {
            quota,
            calls_under_way: calls,
            configured: configured
                .map(|name| (name.into(), Arc::new(Entry::new(quota, calls))))
                .collect(),
            others: Mutex::default(),
            overflow: Arc::new(Entry::new(quota, calls)),
            started: clock.now(),
            clock,
        }
    }

    pub(super) fn admit(&self, name: &str) -> Result<Admission, Refusal> {
        let entry = self.entry(name);
        let place = Arc::clone(&entry.calls)
            .try_acquire_owned()
            .map_err(|_| Refusal::TooMany)?;
        let rate = match &entry.rate {
            None => None,
            Some(rate) => Some(self.check(&entry, rate)?),
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
            Some(rate) => Some(self.wait(&entry, rate).await),
        };
        Admission {
            rate,
            _place: place,
            _entry: entry,
        }
    }

    async fn wait(&self, entry: &Entry, rate: &Rate) -> RateState {
        loop {
            match self.check(entry, rate) {
                Ok(state) => return state,
                Err(Refusal::TooFast { wait, .. }) => tokio::time::sleep(wait).await,
                Err(Refusal::TooMany) => tokio::task::yield_now().await,
            }
        }
    }

    fn check(&self, entry: &Entry, rate: &Rate) -> Result<RateState, Refusal> {
        let checked = match rate.check() {
            Ok(snapshot) => Ok(state(snapshot.quota(), snapshot.remaining_burst_capacity())),
            Err(not_until) => Err(Refusal::TooFast {
                wait: not_until.wait_time_from(self.clock.now()),
                rate: state(not_until.quota(), 0),
            }),
        };
        let (Ok(state) | Err(Refusal::TooFast { rate: state, .. })) = &checked else {
            return checked;
        };
        let replenished_at = self.elapsed().saturating_add(nanoseconds(state.reset));
        entry
            .replenished_at
            .fetch_max(replenished_at, Ordering::Relaxed);
        checked
    }

    /// Nanoseconds since the scope started.
    fn elapsed(&self) -> u64 {
        self.clock.now().duration_since(self.started).as_u64()
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        if let Some(entry) = self.configured.get(name) {
            return Arc::clone(entry);
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = others.entries.get(name) {
            return Arc::clone(entry);
        }
        if others.entries.len() >= MAX_NAMES && !self.made_room(&mut others) {
            return Arc::clone(&self.overflow);
        }
        let entry = Arc::new(Entry::new(self.quota, self.calls_under_way));
        others.entries.insert(name.into(), Arc::clone(&entry));
        entry
    }

    /// Evicts names that are indistinguishable from new ones. A name that has used up its rate
    /// stays, or a flood of made-up names would give it a fresh burst.
    fn made_room(&self, others: &mut Names) -> bool {
        let now = self.clock.now();
        let searched = others.full_at.map(|last| now.duration_since(last));
        if searched.is_some_and(|since| since < SWEEP_INTERVAL.into()) {
            return false;
        }
        let elapsed = self.elapsed();
        others
            .entries
            .retain(|_, entry| Arc::strong_count(entry) > 1 || !entry.is_replenished(elapsed));
        let has_room = others.entries.len() < MAX_NAMES;
        others.full_at = (!has_room).then_some(now);
        has_room
    }
}

impl Entry {
    fn new(quota: Option<Quota>, calls: usize) -> Self {
        Self {
            rate: quota.map(|quota| {
                RateLimiter::direct(quota).with_middleware::<StateInformationMiddleware>()
            }),
            replenished_at: AtomicU64::new(0),
            calls: Arc::new(Semaphore::new(calls)),
        }
    }

    fn is_replenished(&self, elapsed: u64) -> bool {
        self.replenished_at.load(Ordering::Relaxed) <= elapsed
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One call in a thousand seconds, so that nothing is replenished while a test runs.
    fn slow() -> LimitSettings {
        LimitSettings::calls(8).at_rate(0.001)
    }

    fn flood(scope: &Scope, names: usize) {
        for name in 0..names {
            let _ = scope.admit(&format!("made-up-{name}"));
        }
    }

    #[test]
    fn a_name_that_used_up_its_rate_gets_no_fresh_burst_by_a_flood_of_others() {
        let scope = Scope::new(&slow(), []);
        assert!(scope.admit("limited").is_ok());
        flood(&scope, 2 * MAX_NAMES);
        assert!(matches!(
            scope.admit("limited"),
            Err(Refusal::TooFast { .. })
        ));
    }

    #[test]
    fn names_beyond_the_bound_share_one_rate() {
        let scope = Scope::new(&slow(), []);
        flood(&scope, MAX_NAMES);
        assert!(scope.admit("first beyond").is_ok());
        assert!(matches!(
            scope.admit("second beyond"),
            Err(Refusal::TooFast { .. })
        ));
        let others = scope.others.lock().expect("the names");
        assert_eq!(others.entries.len(), MAX_NAMES);
    }

    #[test]
    fn configured_names_keep_their_own_rate_among_any_number_of_others() {
        let scope = Scope::new(&slow(), ["configured"]);
        flood(&scope, 2 * MAX_NAMES);
        assert!(scope.admit("configured").is_ok());
        flood(&scope, 2 * MAX_NAMES);
        assert!(matches!(
            scope.admit("configured"),
            Err(Refusal::TooFast { .. })
        ));
    }

    #[test]
    fn names_whose_rate_is_replenished_make_room() {
        let scope = Scope::new(&LimitSettings::calls(8).at_rate(1e6), []);
        flood(&scope, MAX_NAMES);
        let mut others = scope.others.lock().expect("the names");
        while !scope.made_room(&mut others) {
            std::thread::yield_now();
        }
        assert!(others.entries.len() < MAX_NAMES);
    }

    #[test]
    fn names_with_calls_under_way_are_not_evicted() {
        let scope = Scope::new(&LimitSettings::calls(1), []);
        let _held = scope.admit("busy").expect("a place");
        flood(&scope, 2 * MAX_NAMES);
        assert!(matches!(scope.admit("busy"), Err(Refusal::TooMany)));
    }
}
