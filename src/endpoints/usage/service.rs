//! The usage of callers, from the store.

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::types::{BY, CallerUsage};
use crate::config::Config;
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::identity::Caller;
use crate::reply::Reply;
use crate::store::{Store, UsageQuery, UsageSums};
use crate::usage::day_of;

/// The maximum number of rows of a response.
const MAX_ROWS: u32 = 10_000;

/// The usage of callers.
#[derive(Debug)]
pub struct UsageService {
    store: Store,
    path: PathBuf,
    is_enabled: bool,
    time_zone: TimeZone,
}

impl UsageService {
    /// The usage in the store of a configuration.
    pub fn new(config: &Config) -> Self {
        let path = config.store.path.clone();
        Self {
            store: Store::at(&path),
            path,
            is_enabled: config.usage.enabled != Some(false),
            time_zone: config.budgets.time_zone.clone(),
        }
    }

    /// The usage of `caller`, from the first of the month until today unless there is another day.
    pub(super) async fn of_caller(
        &self,
        caller: &Caller,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<Reply, ApiError> {
        if !self.is_enabled || !self.path.exists() {
            let message = "this gateway does not store usage; its operator can enable it with \
                           `[usage] enabled = true`";
            return Err(ApiError::new(ErrorKind::NotFound, message).code(ErrorCode::NotFound));
        }
        let today = day_of(SystemTime::now(), &self.time_zone);
        let to = day("to", to)?.unwrap_or(today);
        let first = |day: &str| format!("{}-01", day.get(..7).unwrap_or_default());
        let from = day("from", from)?.unwrap_or_else(|| first(&to));
        let query = UsageQuery {
            from: Some(&from),
            to: Some(&to),
            caller: Some(caller.id()),
            by: BY,
            limit: MAX_ROWS + 1,
        };
        let mut rows = self.store.usage(query).await?;
        let has_more = rows.len() > MAX_ROWS as usize;
        rows.truncate(MAX_ROWS as usize);
        let mut total = UsageSums::default();
        rows.iter().for_each(|row| total.add(&row.sums));
        let zone = self.time_zone.iana_name().unwrap_or("UTC");
        let usage = CallerUsage::new((&from, &to), zone, (&rows, has_more), &total);
        Reply::json(&usage)
    }
}

/// A day in a query parameter.
fn day(name: &'static str, text: Option<String>) -> Result<Option<String>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    match text.parse::<Date>() {
        Ok(date) => Ok(Some(date.to_string())),
        Err(_) => Err(ApiError::invalid(
            name,
            format!("`{name}` is `{text}`; it must be a day such as 2026-11-22"),
        )),
    }
}
