use crate::config::LimitSettings;
use crate::config::reader::Section;

/// The upper limit of `max_concurrent_requests`.
const MAX_CONCURRENT_REQUESTS: u32 = 1_000_000;

/// `[limits.target]` and `[limits.key]`
pub(crate) fn read(section: &mut Section<'_>, default: LimitSettings) -> LimitSettings {
    let mut settings = default;
    let mut rate = settings.requests_per_second();
    section.rate("requests_per_second", &mut rate);
    if let Some(rate) = rate {
        settings = settings.at_rate(rate);
    }
    section.integer("burst", &mut settings.burst, 0..=1_000_000);
    section.duration("max_wait", &mut settings.max_wait);
    let queued = &mut settings.max_queued_requests;
    section.integer("max_queued_requests", queued, 0..=100_000);
    section.integer(
        "max_concurrent_requests",
        &mut settings.max_concurrent_requests,
        1..=i128::from(MAX_CONCURRENT_REQUESTS),
    );
    settings
}
