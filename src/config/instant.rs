use std::time::SystemTime;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// Parses a point in time: a date, which stands for its beginning in UTC, or a time with an offset
/// as in RFC 3339. The error is the remedy.
pub fn parse_instant(text: &str) -> Result<SystemTime, String> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let time = match date {
        Ok(date) => Ok(date.midnight().assume_utc()),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339),
    };
    time.map(SystemTime::from).map_err(|_| {
        "write a date such as \"2027-01-31\", or a time such as \"2027-01-31T18:00:00Z\"".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_date_is_its_beginning_in_utc() {
        let day = UNIX_EPOCH + Duration::from_secs(86_400);
        assert_eq!(parse_instant("1970-01-02"), Ok(day));
        assert_eq!(parse_instant("1970-01-02T00:00:00Z"), Ok(day));
        assert_eq!(parse_instant("1970-01-02T01:00:00+01:00"), Ok(day));
        for wrong in ["tomorrow", "", "2027-02-30", "2027-01-31T18:00:00"] {
            assert!(parse_instant(wrong).is_err(), "{wrong}");
        }
    }
}
