use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::CallerLimits;
use super::meters::{ScopeLimits, ScopeMeters};
use super::report::ScopeState;
use super::scope::AllowanceScope;
use crate::allowances::{BudgetPeriod, LevelAllowance, ModelPattern, UsageAllowance};
use crate::config::{BudgetSettings, UnpricedModels};
use crate::limits::budgets::seed::seed_windows;
use crate::limits::budgets::{BudgetWindow, BudgetWindows, Calendar, SpendHistory, ThresholdQueue};
use crate::limits::estimate::{CallerModels, LearnedModels};
use crate::limits::meters::Moment;

/// The meters of all scopes, found again when a new snapshot of callers is built: a changed limit
/// keeps what was used. It is locked for that only; requests use what the snapshot holds.
pub struct LimitRegistry {
    context: Arc<LimitContext>,
    known: Mutex<Known>,
}

/// The wall clock of calendar windows.
pub type WallClock = Box<dyn Fn() -> SystemTime + Send + Sync>;

/// What snapshots hold. Entries that none holds are dropped.
#[derive(Debug, Default)]
struct Known {
    scopes: HashMap<AllowanceScope, Weak<ScopeMeters>>,
    callers: HashMap<Arc<str>, Weak<CallerModels>>,
    /// The number of entries after which the dropped ones are removed.
    sweep_at: usize,
}

/// The fewest entries that are searched for dropped ones.
const MIN_SWEEP: usize = 1024;

/// What all callers share.
pub(super) struct LimitContext {
    started: Instant,
    wall_clock: OnceLock<WallClock>,
    pub(super) calendar: Calendar,
    /// Whether callers with a hard budget may use models without a price.
    allows_unpriced: AtomicBool,
    /// Whether responses say what is left of a budget.
    shows_budget: AtomicBool,
    pub(super) models: LearnedModels,
    pub(super) thresholds: ThresholdQueue,
    /// Whether there are stored records to seed windows from.
    has_history: AtomicBool,
    /// Wakes the task that seeds windows.
    unseeded: Notify,
}

impl LimitRegistry {
    /// A registry without meters. Crossed thresholds go into the queue.
    pub fn new(settings: &BudgetSettings, thresholds: ThresholdQueue) -> Self {
        Self {
            context: Arc::new(LimitContext {
                started: Instant::now(),
                wall_clock: OnceLock::new(),
                calendar: Calendar::new(settings.time_zone.clone()),
                allows_unpriced: AtomicBool::new(settings.unpriced == UnpricedModels::Allow),
                shows_budget: AtomicBool::new(settings.remaining_header),
                models: LearnedModels::default(),
                thresholds,
                has_history: AtomicBool::new(false),
                unseeded: Notify::new(),
            }),
            known: Mutex::default(),
        }
    }

    /// Applies other settings, but for the time zone, in which windows are open.
    pub fn reconfigure(&self, settings: &BudgetSettings) {
        let BudgetSettings {
            time_zone: _,
            unpriced,
            remaining_header,
            webhook: _,
        } = settings;
        let context = &self.context;
        let allows_unpriced = *unpriced == UnpricedModels::Allow;
        let relaxed = Ordering::Relaxed;
        context.allows_unpriced.store(allows_unpriced, relaxed);
        context.shows_budget.store(*remaining_header, relaxed);
    }

    /// Replaces the system's wall clock, for tests. The first replacement stays.
    pub fn set_wall_clock(&self, clock: WallClock) {
        let _ = self.context.wall_clock.set(clock);
    }

    /// The limits of the caller `id` with these levels; `None` if nothing is limited.
    pub fn limits(&self, id: &str, levels: &[LevelAllowance]) -> Option<Arc<CallerLimits>> {
        let usages = levels.iter().flat_map(usages);
        let usages = usages.filter(|(_, usage)| ScopeLimits::limits(usage));
        let mut usages = usages.peekable();
        usages.peek()?;
        let mut known = self.known.lock();
        known.sweep();
        let scopes: Box<[ScopeLimits]> = usages
            .map(|(scope, usage)| ScopeLimits::new(usage, known.meters(scope)))
            .collect();
        let models = known.models(id);
        drop(known);
        let now = self.context.now();
        for scope in &scopes {
            for budgets in &scope.budgets {
                let windows = scope.meters.budgets.of(budgets.period);
                self.context.window(windows, budgets.period, now);
            }
        }
        Some(Arc::new(CallerLimits {
            context: Arc::clone(&self.context),
            scopes,
            models,
        }))
    }

    /// The state of `levels`, of all models together, as far as a caller or a request uses them.
    pub fn states(&self, levels: &[LevelAllowance]) -> Vec<ScopeState> {
        let known = self.known.lock();
        let used = |level: &LevelAllowance| {
            let scope = AllowanceScope {
                level: level.level,
                name: Arc::clone(&level.name),
                pattern: None,
            };
            let meters = known.scopes.get(&scope)?.upgrade()?;
            Some(ScopeLimits::new(&level.allowance.usage, meters))
        };
        let scopes = levels.iter().filter_map(used).collect();
        drop(known);
        let limits = CallerLimits {
            context: Arc::clone(&self.context),
            scopes,
            models: Arc::default(),
        };
        limits.states(limits.now())
    }

    /// From now on, windows are seeded from `history`, by a task of the current runtime, and so are
    /// those that are open. To be called once, before requests are served.
    pub fn seed_from(self: &Arc<Self>, history: Arc<dyn SpendHistory>) {
        self.context.has_history.store(true, Ordering::Release);
        let known = self.known.lock();
        for meters in known.scopes.values().filter_map(Weak::upgrade) {
            meters
                .budgets
                .all()
                .into_iter()
                .for_each(BudgetWindows::unseed);
        }
        drop(known);
        tokio::spawn(seed_windows(Arc::clone(self), history));
    }

    /// Completes when a window was opened that is not seeded.
    pub(in crate::limits) async fn unseeded_window(&self) {
        self.context.unseeded.notified().await;
    }

    /// The windows that are not seeded, with what they are for.
    pub(in crate::limits) fn unseeded_windows(&self) -> Vec<(Arc<ScopeMeters>, Arc<BudgetWindow>)> {
        let known = self.known.lock();
        let scopes = known.scopes.values().filter_map(Weak::upgrade);
        let windows = scopes.flat_map(|meters| {
            let windows = meters.budgets.all().map(BudgetWindows::unseeded);
            let windows = windows.into_iter().flatten();
            let windows = windows.map(|window| (Arc::clone(&meters), window));
            windows.collect::<Vec<_>>()
        });
        windows.collect()
    }
}

impl LimitContext {
    pub(super) fn now(&self) -> Moment {
        let wall_clock = self.wall_clock.get();
        let now = wall_clock.map_or_else(SystemTime::now, |clock| clock());
        let unix_ms = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(_) => 0,
        };
        let nanos = self.started.elapsed().as_nanos();
        Moment {
            nanos: i64::try_from(nanos).unwrap_or(i64::MAX),
            unix_ms,
        }
    }

    pub(super) fn allows_unpriced(&self) -> bool {
        self.allows_unpriced.load(Ordering::Relaxed)
    }

    pub(super) fn shows_budget(&self) -> bool {
        self.shows_budget.load(Ordering::Relaxed)
    }

    pub(super) fn window(
        &self,
        windows: &BudgetWindows,
        period: BudgetPeriod,
        now: Moment,
    ) -> Arc<BudgetWindow> {
        let has_history = self.has_history.load(Ordering::Acquire);
        let window = windows.at(period, &self.calendar, now.unix_ms, has_history);
        if !window.is_seeded() {
            self.unseeded.notify_one();
        }
        window
    }
}

/// What a level limits, for all models and for those of its patterns.
fn usages(level: &LevelAllowance) -> impl Iterator<Item = (AllowanceScope, &UsageAllowance)> {
    let scope = |pattern: Option<&ModelPattern>| AllowanceScope {
        level: level.level,
        name: Arc::clone(&level.name),
        pattern: pattern.cloned(),
    };
    let all = (scope(None), &level.allowance.usage);
    let patterns = level.allowance.models.iter();
    let patterns = patterns.map(move |models| (scope(Some(&models.pattern)), &models.usage));
    std::iter::once(all).chain(patterns)
}

impl Known {
    fn meters(&mut self, scope: AllowanceScope) -> Arc<ScopeMeters> {
        if let Some(meters) = self.scopes.get(&scope).and_then(Weak::upgrade) {
            return meters;
        }
        let meters = Arc::new(ScopeMeters::new(scope.clone()));
        self.scopes.insert(scope, Arc::downgrade(&meters));
        meters
    }

    fn models(&mut self, id: &str) -> Arc<CallerModels> {
        if let Some(models) = self.callers.get(id).and_then(Weak::upgrade) {
            return models;
        }
        let models = Arc::default();
        self.callers.insert(id.into(), Arc::downgrade(&models));
        models
    }

    /// Removes dropped entries, each time that the number of entries has doubled.
    fn sweep(&mut self) {
        if self.scopes.len() + self.callers.len() < self.sweep_at.max(MIN_SWEEP) {
            return;
        }
        self.scopes.retain(|_, meters| meters.strong_count() > 0);
        self.callers.retain(|_, models| models.strong_count() > 0);
        self.sweep_at = 2 * (self.scopes.len() + self.callers.len());
    }
}

impl fmt::Debug for LimitRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.lock();
        write!(formatter, "LimitRegistry({} scopes)", known.scopes.len())
    }
}
