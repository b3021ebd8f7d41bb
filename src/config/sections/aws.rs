use std::time::Duration;

use crate::bedrock::{RetrySettings, Timeouts};
use crate::config::reader::Section;

/// `[aws] region` or `profile`; `None` for the environment's.
pub(crate) fn read_name(section: &mut Section<'_>, name: &str) -> Option<String> {
    let mut value = None;
    section.text(name, &mut value, |text| match text.trim() {
        "" => Ok(None),
        text if text.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(text.to_owned())),
        _ => Err("write it without spaces".to_owned()),
    });
    value
}

/// The URL of an AWS service; `None` for the region's.
pub(crate) fn read_address(section: &mut Section<'_>, name: &str) -> Option<String> {
    let mut value = None;
    section.text(name, &mut value, |text| {
        let address = text.trim().trim_end_matches('/');
        let is_address = ["https://", "http://"]
            .iter()
            .filter_map(|scheme| address.strip_prefix(scheme))
            .any(|host| !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic()));
        match address {
            "" => Ok(None),
            address if is_address => Ok(Some(address.to_owned())),
            _ => Err("write a URL such as \"https://host\"".to_owned()),
        }
    });
    value
}

/// `[timeouts]`
pub(crate) fn read_timeouts(section: &mut Section<'_>) -> Timeouts {
    let mut timeouts = Timeouts::default();
    section.duration("connect", &mut timeouts.connect);
    section.duration("first_event", &mut timeouts.first_event);
    section.duration("stream_idle", &mut timeouts.stream_idle);
    section.duration("response", &mut timeouts.response);
    for (name, value) in [
        ("connect", timeouts.connect),
        ("first_event", timeouts.first_event),
        ("stream_idle", timeouts.stream_idle),
        ("response", timeouts.response),
    ] {
        if value == Duration::ZERO {
            section.mistake(name, "`0`", "write a duration above 0");
        }
    }
    timeouts
}

/// `[retry]`
pub(crate) fn read_retry(section: &mut Section<'_>) -> RetrySettings {
    let mut retry = RetrySettings::default();
    section.integer("max_attempts", &mut retry.max_attempts, 1..=20);
    section.duration("base_delay", &mut retry.base_delay);
    section.duration("max_delay", &mut retry.max_delay);
    section.duration("deadline", &mut retry.deadline);
    section.integer("budget_percent", &mut retry.budget_percent, 0..=1000);
    retry
}
