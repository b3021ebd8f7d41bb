use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::RateState;
use super::concurrency::{Concurrency, TooMany, WhenFull};
use super::rate::{Rate, RateSettings, TooFast};
use super::settings::LimitSettings;

/// The maximum number of names, apart from configured ones, with limits of their own. Clients can
/// send any model name, so the number is bounded. Idle names with a complete burst are evicted.
const MAX_NAMES: usize = 4096;

/// The minimum interval between searches for names to evict.
const SWEEP_INTERVAL: Duration = Duration::from_millis(100);

/// A limit for each name: a caller's or a model's.
#[derive(Debug)]
pub(super) struct LimitScope {
    settings: LimitSettings,
    /// Configured names, which are never evicted.
    configured: HashMap<Box<str>, Arc<LimitEntry>>,
    others: Mutex<Names>,
    /// The limit that further names share: with a new limit each, made-up names would be unlimited.
    overflow: Arc<LimitEntry>,
}

/// Names from clients.
#[derive(Debug, Default)]
struct Names {
    entries: HashMap<Box<str>, Arc<LimitEntry>>,
    /// When the last search evicted nothing.
    full_at: Option<Instant>,
}

#[derive(Debug)]
struct LimitEntry {
    rate: Option<Arc<Rate>>,
    concurrency: Concurrency,
}

/// The slots of a request for one name.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) rate: Option<RateState>,
    _permit: OwnedSemaphorePermit,
    _entry: Arc<LimitEntry>,
}

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum LimitError {
    /// The rate.
    TooFast(TooFast),
    /// The concurrency.
    TooMany,
}

impl LimitScope {
    /// Creates limits; the names of `configured` always have limits of their own.
    pub(super) fn new<'a>(
        settings: &LimitSettings,
        configured: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let configured = configured.into_iter();
        Self {
            settings: settings.clone(),
            configured: configured
                .map(|name| (name.into(), Arc::new(LimitEntry::new(settings))))
                .collect(),
            others: Mutex::default(),
            overflow: Arc::new(LimitEntry::new(settings)),
        }
    }

    /// The same limits under other settings and for other configured names. What is in use stays
    /// in use.
    pub(super) fn reconfigured<'a>(
        &self,
        settings: &LimitSettings,
        configured: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let is_same = self.settings == *settings;
        let carried = |entry: &Arc<LimitEntry>| match is_same {
            true => Arc::clone(entry),
            false => Arc::new(entry.reconfigured(settings)),
        };
        let all = |entries: &HashMap<Box<str>, Arc<LimitEntry>>| {
            let entries = entries.iter();
            let entries = entries.map(|(name, entry)| (name.clone(), carried(entry)));
            entries.collect::<HashMap<_, _>>()
        };
        // Names that are no longer configured count as those of clients.
        let mut others = all(&self.others.lock().entries);
        others.extend(all(&self.configured));
        let configured = configured.into_iter().map(|name| {
            let known = others.remove(name);
            let entry = known.unwrap_or_else(|| Arc::new(LimitEntry::new(settings)));
            (name.into(), entry)
        });
        Self {
            settings: settings.clone(),
            configured: configured.collect(),
            others: Mutex::new(Names {
                entries: others,
                full_at: None,
            }),
            overflow: carried(&self.overflow),
        }
    }

    /// Admits the `calls` of a request. It may wait for slots and then, holding them, for the rate;
    /// `max_wait` bounds both together.
    pub(super) async fn admit(
        &self,
        name: &str,
        calls: u32,
        when_full: WhenFull,
    ) -> Result<Admission, LimitError> {
        let entry = self.entry(name);
        let began = Instant::now();
        let admitted = entry.concurrency.admit(calls, when_full).await;
        let permit = admitted.map_err(|TooMany| LimitError::TooMany)?;
        let mut state = None;
        if let Some(rate) = &entry.rate {
            for _ in 0..calls {
                let admitted = rate.admit(began.elapsed()).await;
                state = Some(admitted.map_err(LimitError::TooFast)?);
            }
        }
        let rate = state;
        Ok(Admission {
            rate,
            _permit: permit,
            _entry: entry,
        })
    }

    /// Waits for a slot and for the rate.
    pub(super) async fn admit_call(&self, name: &str) -> Admission {
        let entry = self.entry(name);
        let permit = entry.concurrency.wait().await;
        let rate = match &entry.rate {
            None => None,
            Some(rate) => Some(rate.wait().await),
        };
        Admission {
            rate,
            _permit: permit,
            _entry: entry,
        }
    }

    fn entry(&self, name: &str) -> Arc<LimitEntry> {
        if let Some(entry) = self.configured.get(name) {
            return Arc::clone(entry);
        }
        let mut others = self.others.lock();
        if let Some(entry) = others.entries.get(name) {
            return Arc::clone(entry);
        }
        if others.entries.len() >= MAX_NAMES && !self.make_room(&mut others) {
            return Arc::clone(&self.overflow);
        }
        let entry = Arc::new(LimitEntry::new(&self.settings));
        others.entries.insert(name.into(), Arc::clone(&entry));
        entry
    }

    /// Evicts names that do not differ from new ones. A name that has used up its rate stays, so
    /// that a flood of made-up names does not give it a fresh burst.
    fn make_room(&self, others: &mut Names) -> bool {
        let now = Instant::now();
        let searched = others.full_at.map(|last| now.duration_since(last));
        if searched.is_some_and(|since| since < SWEEP_INTERVAL) {
            return false;
        }
        others
            .entries
            .retain(|_, entry| Arc::strong_count(entry) > 1 || !entry.is_replenished(now));
        let has_room = others.entries.len() < MAX_NAMES;
        others.full_at = (!has_room).then_some(now);
        has_room
    }
}

impl LimitEntry {
    fn new(settings: &LimitSettings) -> Self {
        Self {
            rate: RateSettings::of(settings).map(|rate| Arc::new(Rate::new(rate))),
            concurrency: Concurrency::new(settings),
        }
    }

    /// The limit under other settings, with what is in use.
    fn reconfigured(&self, settings: &LimitSettings) -> Self {
        let rate = match (&self.rate, RateSettings::of(settings)) {
            (_, None) => None,
            (None, Some(new)) => Some(Arc::new(Rate::new(new))),
            (Some(rate), Some(new)) if rate.settings() == new => Some(Arc::clone(rate)),
            (Some(rate), Some(new)) => Some(Arc::new(rate.reconfigured(new))),
        };
        Self {
            rate,
            concurrency: self.concurrency.reconfigured(settings),
        }
    }

    fn is_replenished(&self, now: Instant) -> bool {
        self.rate.as_ref().is_none_or(|rate| rate.is_full(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One call in a thousand seconds, so that no burst is replenished during a test.
    fn slow() -> LimitSettings {
        let mut settings = LimitSettings::calls(8).at_rate(0.001);
        settings.max_wait = Duration::ZERO;
        settings
    }

    async fn flood(scope: &LimitScope, names: usize) {
        for name in 0..names {
            let _ = scope
                .admit(&format!("made-up-{name}"), 1, WhenFull::Wait)
                .await;
        }
    }

    #[tokio::test]
    async fn a_name_at_its_limit_gets_no_fresh_burst_from_a_flood_of_names() {
        let scope = LimitScope::new(&slow(), []);
        assert!(scope.admit("limited", 1, WhenFull::Wait).await.is_ok());
        flood(&scope, 2 * MAX_NAMES).await;
        assert!(matches!(
            scope.admit("limited", 1, WhenFull::Wait).await,
            Err(LimitError::TooFast(_))
        ));
    }

    #[tokio::test]
    async fn names_beyond_the_maximum_share_one_rate() {
        let scope = LimitScope::new(&slow(), []);
        flood(&scope, MAX_NAMES).await;
        assert!(scope.admit("first beyond", 1, WhenFull::Wait).await.is_ok());
        assert!(matches!(
            scope.admit("second beyond", 1, WhenFull::Wait).await,
            Err(LimitError::TooFast(_))
        ));
        let others = scope.others.lock();
        assert_eq!(others.entries.len(), MAX_NAMES);
    }

    #[tokio::test]
    async fn configured_names_keep_their_own_rate_among_many_others() {
        let scope = LimitScope::new(&slow(), ["configured"]);
        flood(&scope, 2 * MAX_NAMES).await;
        assert!(scope.admit("configured", 1, WhenFull::Wait).await.is_ok());
        flood(&scope, 2 * MAX_NAMES).await;
        assert!(matches!(
            scope.admit("configured", 1, WhenFull::Wait).await,
            Err(LimitError::TooFast(_))
        ));
    }

    #[tokio::test]
    async fn names_with_a_replenished_rate_make_room() {
        let scope = LimitScope::new(&LimitSettings::calls(8).at_rate(1e6), []);
        flood(&scope, MAX_NAMES).await;
        let mut others = scope.others.lock();
        while !scope.make_room(&mut others) {
            std::thread::yield_now();
        }
        assert!(others.entries.len() < MAX_NAMES);
    }

    #[tokio::test]
    async fn what_is_in_use_stays_in_use_under_other_settings() {
        let mut settings = LimitSettings::calls(2);
        settings.max_wait = Duration::ZERO;
        let scope = LimitScope::new(&settings, ["a"]);
        let admit = async |scope: &LimitScope| scope.admit("a", 1, WhenFull::Wait).await;
        let first = admit(&scope).await.expect("a slot");
        let second = admit(&scope).await.expect("a slot");
        settings.max_concurrent_requests = 1;
        let fewer = scope.reconfigured(&settings, []);
        drop(first);
        assert!(admit(&fewer).await.is_err(), "one is in use");
        drop(second);
        tokio::task::yield_now().await;
        let only = admit(&fewer).await.expect("a slot");
        assert!(admit(&fewer).await.is_err());
        settings.max_concurrent_requests = 2;
        let more = fewer.reconfigured(&settings, ["a"]);
        let _second = admit(&more).await.expect("a slot");
        assert!(admit(&more).await.is_err());
        drop(only);
        assert!(admit(&more).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_used_burst_stays_used_under_another_rate() {
        let mut settings = slow();
        settings.burst = 3;
        let scope = LimitScope::new(&settings, []);
        let admit = async |scope: &LimitScope| scope.admit("a", 1, WhenFull::Wait).await;
        for _ in 0..2 {
            admit(&scope).await.expect("within the burst");
        }
        let same = scope.reconfigured(&settings, ["a"]);
        assert!(admit(&same).await.is_ok());
        assert!(admit(&same).await.is_err(), "the burst is used");
        settings.burst = 4;
        let larger = same.reconfigured(&settings, []);
        assert!(admit(&larger).await.is_ok());
        assert!(admit(&larger).await.is_err(), "one request more");
    }

    #[tokio::test]
    async fn names_with_active_requests_are_not_evicted() {
        let mut settings = LimitSettings::calls(1);
        settings.max_wait = Duration::ZERO;
        let scope = LimitScope::new(&settings, []);
        let _admission = scope
            .admit("busy", 1, WhenFull::Wait)
            .await
            .expect("a slot");
        flood(&scope, 2 * MAX_NAMES).await;
        assert!(matches!(
            scope.admit("busy", 1, WhenFull::Wait).await,
            Err(LimitError::TooMany)
        ));
    }
}
