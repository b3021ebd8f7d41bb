use tokio::sync::mpsc;

use super::calendar::Span;
use crate::allowances::BudgetPeriod;
use crate::limits::levels::AllowanceScope;
use crate::models::Usd;

/// The shares of a budget that are reported, in percent.
const THRESHOLDS: [u8; 4] = [50, 80, 95, 100];

/// Events that wait for the task that reports them.
const MAX_EVENTS: usize = 256;

/// A budget has reached a share of its limit. That happens once in a window, since what is settled
/// in it only grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdEvent {
    /// What the budget is for.
    pub scope: AllowanceScope,
    /// Its period.
    pub period: BudgetPeriod,
    /// Whether requests beyond it are refused.
    pub is_hard: bool,
    /// The share, in percent.
    pub threshold: u8,
    /// The limit.
    pub limit: Usd,
    /// What is spent.
    pub spent: Usd,
    /// The window.
    pub span: Span,
    /// When, in Unix milliseconds.
    pub at: i64,
}

/// Where events wait, which never makes a request wait.
#[derive(Debug, Clone)]
pub struct ThresholdQueue(mpsc::Sender<ThresholdEvent>);

/// The events, for the task that reports them.
#[derive(Debug)]
pub struct Thresholds(mpsc::Receiver<ThresholdEvent>);

impl ThresholdEvent {
    /// The thresholds of a budget that a settlement has crossed; amounts are nanodollars.
    pub(in crate::limits) fn crossed(
        limit: i64,
        (before, after): (i64, i64),
    ) -> impl Iterator<Item = u8> {
        let reaches = move |settled: i64, threshold: u8| {
            i128::from(settled) * 100 >= i128::from(limit) * i128::from(threshold)
        };
        let all = THRESHOLDS.into_iter();
        all.filter(move |threshold| !reaches(before, *threshold) && reaches(after, *threshold))
    }
}

impl ThresholdQueue {
    /// A bounded queue, and its end for the task that reports.
    pub fn new() -> (Self, Thresholds) {
        let (sender, receiver) = mpsc::channel(MAX_EVENTS);
        (Self(sender), Thresholds(receiver))
    }

    /// Reports an event, unless the queue is full.
    pub(in crate::limits) fn report(&self, event: ThresholdEvent) {
        if let Err(error) = self.0.try_send(event) {
            tracing::warn!(%error, "a threshold of a budget is not reported");
        }
    }
}

impl Thresholds {
    /// The next event; `None` if there will be none.
    pub async fn next(&mut self) -> Option<ThresholdEvent> {
        self.0.recv().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settlement_crosses_each_threshold_once() {
        let crossed = |before, after| ThresholdEvent::crossed(200, (before, after)).collect();
        for (before, after, expected) in [
            (0, 99, vec![]),
            (99, 100, vec![50]),
            (100, 159, vec![]),
            (100, 195, vec![80, 95]),
            (199, 200, vec![100]),
            (200, 400, vec![]),
        ] {
            let found: Vec<u8> = crossed(before, after);
            assert_eq!(found, expected, "{before} to {after}");
        }
    }
}
