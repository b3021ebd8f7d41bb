//! AWS's timestamp formats: `20250130T064508Z` in signatures, `2025-01-30T06:45:08Z` in documents,
//! `Thu, 30 Jan 2025 06:45:08 GMT` in headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Parses a signature timestamp; `None` if it is malformed.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let well_formed = text.len() == 16 && text.get(8..9) == Some("T") && text.ends_with('Z');
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    if !well_formed {
        return None;
    }
    let days = days_since_1970(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
    let seconds = number(9, 11)? * 3600 + number(11, 13)? * 60 + number(13, 15)?;
    Some(UNIX_EPOCH + Duration::from_secs(days * 86_400 + seconds))
}

/// Formats a signature timestamp.
pub(crate) fn format(time: SystemTime) -> String {
    let (year, month, day) = date(days(time));
    let (hour, minute, second) = time_of_day(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// ISO 8601 in whole seconds.
pub(crate) fn iso(time: SystemTime) -> String {
    let (year, month, day) = date(days(time));
    let (hour, minute, second) = time_of_day(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Parses ISO 8601 in UTC; fractions of seconds are dropped.
pub(crate) fn parse_iso(text: &str) -> Option<SystemTime> {
    let seconds_part = text.trim_end_matches('Z').split('.').next()?;
    let digits: String = seconds_part
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    parse(&format!("{digits}Z"))
}

/// The format of HTTP headers.
pub(crate) fn http_date(time: SystemTime) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (year, month, day) = date(days(time));
    let (hour, minute, second) = time_of_day(time);
    let name_of = |names: &[&'static str], position: u64| {
        names.get(position as usize).copied().unwrap_or_default()
    };
    let weekday = name_of(&DAYS, days(time) % 7);
    let month = name_of(&MONTHS, month.saturating_sub(1));
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

fn days(time: SystemTime) -> u64 {
    seconds(time) / 86_400
}

fn time_of_day(time: SystemTime) -> (u64, u64, u64) {
    let seconds = seconds(time);
    (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// Both directions count years from March, so that the leap day is the last day (Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms").
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

fn date(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn timestamps_are_parsed_and_formatted() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20000229T235959Z", 951_868_799),
            ("20251231T120000Z", 1_767_182_400),
            ("20260301T000001Z", 1_772_323_201),
        ] {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse(text), Some(time), "{text}");
            assert_eq!(format(time), text);
        }
        let time = UNIX_EPOCH + Duration::from_secs(951_868_799);
        assert_eq!(iso(time), "2000-02-29T23:59:59Z");
        assert_eq!(parse_iso("2000-02-29T23:59:59.123Z"), Some(time));
        assert_eq!(http_date(time), "Tue, 29 Feb 2000 23:59:59 GMT");
        assert_eq!(parse("2025-12-31T12:00:00Z"), None);
        assert_eq!(parse("20251331T120000Z"), None);
    }
}
