use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::calendar::{Calendar, Span};
use crate::allowances::BudgetPeriod;
use crate::limits::meters::{Full, Meter, Moment};

/// What a level spends in one window, in nanodollars. A reservation keeps its window, so that it
/// is settled where it was reserved.
#[derive(Debug)]
pub(crate) struct BudgetWindow {
    /// The period.
    pub(crate) span: Span,
    /// When this process began to count, in Unix milliseconds: what was spent before is in the
    /// stored records.
    pub(crate) counted_from: i64,
    /// The costs of requests that have ended, and of those before `counted_from` once they are
    /// known. Only grows.
    settled: AtomicI64,
    /// The estimates for requests in flight.
    reserved: AtomicI64,
    is_seeded: AtomicBool,
}

/// The windows of one level and period.
#[derive(Debug, Default)]
pub(crate) struct BudgetWindows(ArcSwapOption<OpenWindows>);

#[derive(Debug)]
struct OpenWindows {
    current: Arc<BudgetWindow>,
    /// The window before, in case that the clock is set back.
    previous: Option<Arc<BudgetWindow>>,
    /// Whether the clock has been set back past the start of a window.
    went_back: bool,
}

impl BudgetWindows {
    /// The window at `unix_ms`. A new window after a known one begins at zero; any other is seeded
    /// from the stored records if there are any.
    pub(crate) fn at(
        &self,
        period: BudgetPeriod,
        calendar: &Calendar,
        unix_ms: i64,
        has_history: bool,
    ) -> Arc<BudgetWindow> {
        let open = self.0.load();
        if let Some(open) = open.as_ref()
            && open.current.span.contains(unix_ms)
        {
            return Arc::clone(&open.current);
        }
        let span = calendar.span(period, unix_ms);
        let is_now = |window: &Arc<BudgetWindow>| window.span.contains(unix_ms);
        self.0.rcu(|open| {
            let Some(open) = open else {
                return Some(Arc::new(OpenWindows {
                    current: Arc::new(BudgetWindow::new(span, unix_ms, !has_history)),
                    previous: None,
                    went_back: false,
                }));
            };
            let current = &open.current;
            if is_now(current) {
                return Some(Arc::clone(open));
            }
            let goes_back = span.start < current.span.start;
            let known = open.previous.as_ref().filter(|window| is_now(window));
            let next = match known {
                Some(window) => Arc::clone(window),
                None => {
                    // This process has counted everything since, so nothing was spent in it yet.
                    let follows = current.is_seeded() && !goes_back && !open.went_back;
                    Arc::new(BudgetWindow::new(span, unix_ms, follows || !has_history))
                }
            };
            Some(Arc::new(OpenWindows {
                current: next,
                previous: Some(Arc::clone(current)),
                went_back: open.went_back || goes_back,
            }))
        });
        match self.0.load().as_ref() {
            Some(open) => Arc::clone(&open.current),
            None => Arc::new(BudgetWindow::new(span, unix_ms, !has_history)),
        }
    }

    /// The current window needs what was spent before it was opened.
    pub(crate) fn unseed(&self) {
        if let Some(open) = self.0.load().as_ref() {
            open.current.is_seeded.store(false, Ordering::Release);
        }
    }

    /// The current window, if it is not seeded.
    pub(crate) fn unseeded(&self) -> Option<Arc<BudgetWindow>> {
        let open = self.0.load();
        let current = &open.as_ref()?.current;
        (!current.is_seeded()).then(|| Arc::clone(current))
    }
}

impl BudgetWindow {
    fn new(span: Span, counted_from: i64, is_seeded: bool) -> Self {
        Self {
            span,
            counted_from,
            settled: AtomicI64::new(0),
            reserved: AtomicI64::new(0),
            is_seeded: AtomicBool::new(is_seeded),
        }
    }

    /// Whether everything spent in the window is counted.
    pub(crate) fn is_seeded(&self) -> bool {
        self.is_seeded.load(Ordering::Acquire)
    }

    /// Adds what was spent before this process began to count.
    pub(crate) fn seed(&self, nanodollars: i64) {
        self.settled.fetch_add(nanodollars, Ordering::Relaxed);
        self.is_seeded.store(true, Ordering::Release);
    }

    /// What is spent, reservations included.
    pub(crate) fn spent(&self) -> i64 {
        // Settlements count the cost before they release the estimate: never too low.
        let reserved = self.reserved.load(Ordering::Acquire);
        reserved.saturating_add(self.settled.load(Ordering::Relaxed))
    }

    /// Reserves an estimate without a limit.
    pub(crate) fn add(&self, estimate: i64) {
        self.reserved.fetch_add(estimate, Ordering::Relaxed);
    }

    /// Replaces an estimate by the cost; returns what was settled before and after.
    pub(crate) fn settle_cost(&self, estimate: i64, cost: i64) -> (i64, i64) {
        let before = self.settled.fetch_add(cost, Ordering::Relaxed);
        self.reserved.fetch_sub(estimate, Ordering::Release);
        (before, before.saturating_add(cost))
    }

    fn next(&self, reserved: i64, limit: i64, cost: i64, now: Moment) -> Result<i64, Full> {
        let settled = self.settled.load(Ordering::Relaxed);
        let spent = reserved.saturating_add(settled);
        if spent < limit && spent.saturating_add(cost) <= limit {
            return Ok(reserved.saturating_add(cost));
        }
        let wait = self.span.end.saturating_sub(now.unix_ms).max(0);
        Err(Full {
            used: u64::try_from(spent).unwrap_or_default(),
            wait: (self.span.end != i64::MAX).then(|| Duration::from_millis(wait.unsigned_abs())),
        })
    }
}

/// Amounts are nanodollars.
impl Meter for BudgetWindow {
    type Limit = i64;
    type Receipt = i64;

    fn check(&self, limit: i64, cost: u64, now: Moment) -> Result<(), Full> {
        let reserved = self.reserved.load(Ordering::Acquire);
        self.next(reserved, limit, amount(cost), now).map(|_| ())
    }

    fn reserve(&self, limit: i64, cost: u64, now: Moment) -> Result<i64, Full> {
        let cost = amount(cost);
        let mut reserved = self.reserved.load(Ordering::Acquire);
        loop {
            let next = self.next(reserved, limit, cost, now)?;
            let swapped = self.reserved.compare_exchange_weak(
                reserved,
                next,
                Ordering::Relaxed,
                Ordering::Acquire,
            );
            match swapped {
                Ok(_) => return Ok(cost),
                Err(changed) => reserved = changed,
            }
        }
    }

    fn settle(&self, receipt: i64, used: u64, _now: Moment) {
        self.settle_cost(receipt, amount(used));
    }
}

fn amount(nanodollars: u64) -> i64 {
    i64::try_from(nanodollars).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::limits::meters::contract;

    const DAY: i64 = 86_400_000;
    /// 2026-11-22 at noon.
    const NOON: i64 = 1_795_348_800_000;

    fn window() -> BudgetWindow {
        BudgetWindow::new(Span::ALL, 0, true)
    }

    fn at(windows: &BudgetWindows, unix_ms: i64, has_history: bool) -> Arc<BudgetWindow> {
        let calendar = Calendar::new(TimeZone::UTC);
        windows.at(BudgetPeriod::Day, &calendar, unix_ms, has_history)
    }

    #[test]
    fn the_contract_of_meters_holds_for_budgets() {
        contract::holds_for(60, window);
    }

    #[test]
    fn an_overspent_budget_refuses_even_what_costs_nothing() {
        let window = window();
        let now = Moment {
            nanos: 0,
            unix_ms: NOON,
        };
        let estimate = window.reserve(60, 10, now).expect("room");
        window.settle(estimate, 70, now);
        let full = window.check(60, 0, now).expect_err("nothing is left");
        assert_eq!((full.used, full.wait), (70, None));
    }

    #[test]
    fn a_new_window_begins_at_zero_and_settles_what_it_reserved() {
        let windows = BudgetWindows::default();
        let today = at(&windows, NOON, true);
        assert!(!today.is_seeded(), "a missing counter is not zero");
        today.seed(5);
        today.add(10);
        let tomorrow = at(&windows, NOON + DAY, true);
        assert!(tomorrow.is_seeded() && tomorrow.spent() == 0);
        assert_eq!(today.settle_cost(10, 7), (5, 12));
        assert_eq!((today.spent(), tomorrow.spent()), (12, 0));
    }

    #[test]
    fn a_clock_that_is_set_back_finds_its_window_again() {
        let windows = BudgetWindows::default();
        let today = at(&windows, NOON, true);
        today.seed(5);
        let jump = at(&windows, NOON + 10 * DAY, true);
        assert!(Arc::ptr_eq(&at(&windows, NOON, true), &today));
        assert!(Arc::ptr_eq(&at(&windows, NOON + 10 * DAY, true), &jump));
        let earlier = at(&windows, NOON - 5 * DAY, true);
        assert!(!earlier.is_seeded(), "the records know what was spent then");
        earlier.seed(0);
        let later = at(&windows, NOON + 11 * DAY, true);
        assert!(!later.is_seeded(), "the clock may have been there before");
        assert!(at(&BudgetWindows::default(), NOON, false).is_seeded());
    }
}
