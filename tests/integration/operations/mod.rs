//! Commands, limits, costs and confidentiality.

mod admin;
mod budgets;
mod caller_limits;
mod check;
pub mod commands;
mod confidential;
mod cost;
mod ledger;
mod limits;
mod overhead;
mod usage;
mod webhook;
