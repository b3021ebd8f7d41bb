//! What was spent before, from the store: budgets are seeded from it.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use jiff::tz::TimeZone;

use super::writer::day_of;
use crate::limits::{AllowanceScope, Span, SpendHistory, SpentFuture};
use crate::store::{SpendQuery, Store};

/// The costs in the store.
#[derive(Debug)]
pub struct StoredSpend {
    store: Store,
    path: PathBuf,
    time_zone: TimeZone,
}

impl StoredSpend {
    /// The costs in the store at `path`, with days of `time_zone`.
    pub fn new(path: &Path, time_zone: TimeZone) -> Self {
        Self {
            store: Store::at(path),
            path: path.to_owned(),
            time_zone,
        }
    }
}

impl SpendHistory for StoredSpend {
    fn spent<'a>(&'a self, scope: &'a AllowanceScope, span: Span) -> SpentFuture<'a> {
        Box::pin(async move {
            // Nothing is stored yet.
            if !self.path.exists() {
                return Ok(0);
            }
            // Windows begin with a day.
            let first = |start| {
                let since = Duration::from_millis(u64::try_from(start).unwrap_or_default());
                day_of(UNIX_EPOCH + since, &self.time_zone)
            };
            let since = (span.start > 0).then(|| first(span.start));
            let query = SpendQuery {
                level: scope.level,
                name: &scope.name,
                models: scope.pattern.as_ref(),
                since: since.as_deref(),
                before: (span.end < i64::MAX).then_some(span.end),
            };
            self.store
                .spend(query)
                .await
                .map_err(|error| error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allowances::Level;
    use crate::store::StoredUsage;

    #[tokio::test]
    async fn a_window_is_seeded_with_what_was_spent_before() {
        let name = format!("outcrop-history-{:016x}.db", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        let zone = TimeZone::get("Pacific/Auckland").expect("a time zone");
        let history = StoredSpend::new(&path, zone);
        let scope = AllowanceScope {
            level: Level::Team,
            name: "search".into(),
            pattern: None,
        };
        // 2026-11-23 in Auckland.
        let start = 1_795_345_200_000;
        let window = Span {
            start,
            end: start + 10,
        };
        assert_eq!(history.spent(&scope, window).await, Ok(0));
        assert!(!path.exists(), "no file without usage");
        let record = |at: i64, day: &str| StoredUsage {
            at,
            id: at.to_string(),
            day: day.to_owned(),
            team: Some("search".to_owned()),
            cost: Some(100),
            ..StoredUsage::default()
        };
        let records = [
            record(start - 1, "2026-11-22"),
            record(start, "2026-11-23"),
            record(start + 10, "2026-11-23"),
        ];
        history.store.add_usage(&records).await.expect("stored");
        assert_eq!(history.spent(&scope, window).await, Ok(100));
        let always = Span {
            start: i64::MIN,
            end: i64::MAX,
        };
        assert_eq!(history.spent(&scope, always).await, Ok(300));
    }
}
