//! Budgets: amounts of money for a calendar window, counted in nanodollars.

mod calendar;
mod history;
pub(super) mod seed;
mod thresholds;
mod window;

pub(crate) use calendar::Calendar;
pub use calendar::Span;
pub use history::{SpendHistory, SpentFuture};
pub use thresholds::{ThresholdEvent, ThresholdQueue, Thresholds};
pub(crate) use window::{BudgetWindow, BudgetWindows};
