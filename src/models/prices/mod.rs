//! Prices: the table, what a request costs, and amounts in dollars.

mod cost;
mod file;
mod table;
mod usd;

pub use cost::{CostBreakdown, Price, Tier, Tokens, UnitPrices};
pub use table::{ModelRow, PriceTable, PriceTableError};
pub use usd::Usd;
