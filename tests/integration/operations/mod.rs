//! Commands, limits, costs and the log.

mod check;
pub mod commands;
mod confidential;
mod cost;
mod limits;
