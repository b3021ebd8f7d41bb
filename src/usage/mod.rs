//! What a request used and cost: collected in its ledger, and settled once, when it ends.

mod cost;
mod ledger;
mod tokens;

pub use cost::{Cost, cost};
pub use ledger::{LOG_TARGET, Ledger, RequestOutcome, usd};
pub use tokens::TokenCounts;
