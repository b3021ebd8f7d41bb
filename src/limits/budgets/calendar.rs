use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::allowances::BudgetPeriod;

/// The windows of budgets: calendar periods in the operator's time zone.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
}

/// A window, in Unix milliseconds. The end does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first millisecond.
    pub start: i64,
    /// The first millisecond after it.
    pub end: i64,
}

impl Calendar {
    /// A calendar of a time zone.
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The window of `period` that contains `unix_ms`.
    pub(crate) fn span(&self, period: BudgetPeriod, unix_ms: i64) -> Span {
        self.calendar_span(period, unix_ms).unwrap_or(Span::ALL)
    }

    /// `None` for all time, and for times that no calendar has.
    fn calendar_span(&self, period: BudgetPeriod, unix_ms: i64) -> Option<Span> {
        let now = Timestamp::from_millisecond(unix_ms).ok()?;
        let today = now.to_zoned(self.zone.clone()).date();
        let (first, next) = match period {
            BudgetPeriod::Day => (today, today.checked_add(1.day()).ok()?),
            BudgetPeriod::Week => {
                let since_monday = i32::from(today.weekday().to_monday_zero_offset());
                let monday = today.checked_sub(since_monday.days()).ok()?;
                (monday, monday.checked_add(7.days()).ok()?)
            }
            BudgetPeriod::Month => {
                let first = today.first_of_month();
                (first, first.checked_add(1.month()).ok()?)
            }
            BudgetPeriod::Total => return None,
        };
        Some(Span {
            start: self.midnight(first)?,
            end: self.midnight(next)?,
        })
    }

    /// When a day begins, which is not midnight if the clocks change then.
    fn midnight(&self, day: Date) -> Option<i64> {
        let midnight = day.to_zoned(self.zone.clone()).ok()?;
        Some(midnight.timestamp().as_millisecond())
    }

    /// A time for people, such as `2026-12-01 00:00 Europe/Berlin`.
    pub(crate) fn write(&self, unix_ms: i64) -> String {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        match Timestamp::from_millisecond(unix_ms) {
            Ok(time) => {
                let time = time.to_zoned(self.zone.clone());
                format!("{} {zone}", time.strftime("%Y-%m-%d %H:%M"))
            }
            Err(_) => "never".to_owned(),
        }
    }
}

impl Span {
    /// All time.
    pub const ALL: Self = Self {
        start: i64::MIN,
        end: i64::MAX,
    };

    /// Whether a time is in the window.
    pub fn contains(self, unix_ms: i64) -> bool {
        (self.start..self.end).contains(&unix_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(zone: &str, period: BudgetPeriod, now: &str) -> (String, String) {
        let calendar = Calendar::new(TimeZone::get(zone).expect("a time zone"));
        let now: Timestamp = now.parse().expect("a time");
        let Span { start, end } = calendar.span(period, now.as_millisecond());
        let text = |ms| Timestamp::from_millisecond(ms).expect("a time").to_string();
        (text(start), text(end))
    }

    #[test]
    fn windows_are_calendar_periods_in_the_time_zone() {
        use BudgetPeriod::{Day, Month, Week};
        for (zone, period, now, start, end) in [
            (
                "UTC",
                Day,
                "2026-11-22T07:00:00Z",
                "2026-11-22T00:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                "UTC",
                Week,
                "2026-11-22T07:00:00Z",
                "2026-11-16T00:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                "UTC",
                Week,
                "2026-11-23T00:00:00Z",
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
            ),
            (
                "UTC",
                Month,
                "2026-12-31T23:59:59Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                "Europe/Berlin",
                Month,
                "2026-10-31T23:30:00Z",
                "2026-10-31T23:00:00Z",
                "2026-11-30T23:00:00Z",
            ),
            // The day on which summer time ends has 25 hours.
            (
                "Europe/Berlin",
                Day,
                "2026-10-25T12:00:00Z",
                "2026-10-24T22:00:00Z",
                "2026-10-25T23:00:00Z",
            ),
            // The clocks go forward at midnight: the day begins at one o'clock.
            (
                "Africa/Cairo",
                Day,
                "2026-04-24T12:00:00Z",
                "2026-04-23T22:00:00Z",
                "2026-04-24T21:00:00Z",
            ),
            (
                "Asia/Kolkata",
                Day,
                "2026-11-22T18:29:59Z",
                "2026-11-21T18:30:00Z",
                "2026-11-22T18:30:00Z",
            ),
        ] {
            let expected = (start.to_owned(), end.to_owned());
            assert_eq!(span(zone, period, now), expected, "{zone} {period:?} {now}");
        }
        let utc = Calendar::new(TimeZone::UTC);
        assert_eq!(utc.span(BudgetPeriod::Total, 0), Span::ALL);
    }

    #[test]
    fn times_are_written_in_the_time_zone() {
        let berlin = Calendar::new(TimeZone::get("Europe/Berlin").expect("a time zone"));
        assert_eq!(
            berlin.write(1_796_079_600_000),
            "2026-12-01 00:00 Europe/Berlin"
        );
        assert_eq!(berlin.write(i64::MAX), "never");
    }
}
