//! Commands, limits, costs and confidentiality.

mod admin;
mod check;
pub mod commands;
mod confidential;
mod cost;
mod ledger;
mod limits;
