//! JSON of clients and providers: kept as text where its content does not matter, and parsed within
//! a bounded amount of memory where it does.

pub(crate) mod end;
pub(crate) mod scan;

mod bounded;
mod error;
mod text;

use serde::de::Deserialize;

pub use bounded::{Budget, BudgetDeserializer, UNKNOWN_FIELD};
pub use error::{describe, without_values};
pub use text::JsonText;

/// The memory for the values of any body, besides its text.
const BASE_BUDGET: usize = 64 << 10;

/// The memory for values per byte of a body.
const BUDGET_PER_BYTE: usize = 10;

/// The maximum memory for the values of a body.
pub const MAX_BUDGET: usize = 48 << 20;

/// The memory for the values of a body of `length` bytes, besides their text.
pub fn budget_of(length: usize) -> usize {
    let proportional = length.saturating_mul(BUDGET_PER_BYTE);
    BASE_BUDGET.saturating_add(proportional).min(MAX_BUDGET)
}

/// Parses JSON within `budget`.
pub fn read<'a, T: Deserialize<'a>>(json: &'a [u8], budget: &Budget) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(BudgetDeserializer::new(&mut deserializer, budget))?;
    deserializer.end()?;
    Ok(value)
}

/// Parses JSON within a body; `None` if it does not match the type or exceeds the memory for a body
/// of its length.
pub fn read_bounded<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    let budget = Budget::new(budget_of(json.len()));
    read(json.as_bytes(), &budget).ok()
}
