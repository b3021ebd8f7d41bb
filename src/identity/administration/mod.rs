//! Changes to teams and keys in the store, for the commands and the admin API.
//!
//! What the configuration names, only the configuration changes. Times are Unix seconds.

mod budgets;
mod checks;
mod error;
mod keys;
mod teams;
#[cfg(test)]
mod tests;
mod view;

pub use budgets::{BudgetChange, BudgetFilter, BudgetHolder, BudgetSlot, BudgetView};
pub use error::{AdministrationError, Subject};
pub use keys::{CreatedKey, KeyFilter, KeySettings, NewKey};
pub use view::{KeyStatus, KeyView, Owner, PreviousKeyView, TeamView};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::allowances::{Allowance, Team};
use crate::config::Config;
use crate::limits::Calendar;
use crate::store::Store;
use view::ConfiguredKey;

/// Teams and keys of a store and of a configuration.
#[derive(Debug)]
pub struct Administration {
    store: Arc<Store>,
    /// What the configuration allows all callers together.
    organization: Allowance,
    /// The teams of the configuration.
    teams: BTreeMap<String, Team>,
    /// The keys of the configuration.
    keys: Vec<ConfiguredKey>,
    /// The guardrails of the configuration.
    guardrails: BTreeSet<String>,
    /// The time zone of the days in the store.
    time_zone: TimeZone,
    /// The windows of budgets.
    calendar: Calendar,
}

impl Administration {
    /// The teams and keys of `config` and `store`.
    pub fn new(config: &Config, store: Arc<Store>) -> Self {
        let key = |entry| ConfiguredKey::new(entry, &config.guardrails);
        Self {
            store,
            organization: config.organization.allowance.clone(),
            teams: config.organization.teams.clone(),
            keys: config.keys.iter().map(key).collect(),
            guardrails: config.guardrails.keys().cloned().collect(),
            calendar: Calendar::new(config.budgets.time_zone.clone()),
            time_zone: config.budgets.time_zone.clone(),
        }
    }
}
