//! The text formats of a scrape.

use std::collections::HashSet;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// Prometheus's own, version 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl MetricsFormat {
    /// The format for a client that accepts these media types.
    pub fn accepted(accept: &str) -> Self {
        let openmetrics = accept.split(',').any(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let is_openmetrics = parts
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case("application/openmetrics-text"));
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            is_openmetrics && weight.unwrap_or(1.0_f32) > 0.0
        });
        match openmetrics {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// The content type of the text.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of all metrics.
pub(super) fn text(registry: &Registry, format: MetricsFormat) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = encode(&mut text, registry);
    match format {
        MetricsFormat::OpenMetrics => text,
        MetricsFormat::Prometheus => prometheus_text(&text),
    }
}

/// What an example of OpenMetrics begins with. No label has this: quotes are escaped there.
const EXAMPLE: &str = " # {request_id=\"";

/// OpenMetrics as Prometheus's own format, which describes counters by the name of their samples
/// and has neither an end mark nor examples.
fn prometheus_text(openmetrics: &str) -> String {
    let counters: HashSet<&str> = openmetrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(openmetrics.len() + 256);
    for line in openmetrics.lines().filter(|line| *line != "# EOF") {
        let description = ["# HELP ", "# TYPE "].into_iter().find_map(|prefix| {
            let (name, rest) = line.strip_prefix(prefix)?.split_once(' ')?;
            counters.contains(name).then_some((prefix, name, rest))
        });
        match description {
            Some((prefix, name, rest)) => {
                text.extend([prefix, name, "_total ", rest]);
            }
            None => text.push_str(line.split_once(EXAMPLE).map_or(line, |(sample, _)| sample)),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_one_that_the_client_accepts() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            ("", MetricsFormat::Prometheus),
            ("*/*", MetricsFormat::Prometheus),
            ("text/plain;version=0.0.4", MetricsFormat::Prometheus),
            (prometheus_3, MetricsFormat::OpenMetrics),
            ("application/openmetrics-text", MetricsFormat::OpenMetrics),
            (
                "application/openmetrics-text; q=0, text/plain",
                MetricsFormat::Prometheus,
            ),
        ] {
            assert_eq!(MetricsFormat::accepted(accept), format, "{accept}");
        }
    }

    #[test]
    fn counters_are_described_by_the_name_of_their_samples() {
        let openmetrics = "# HELP a_requests Requests.\n# TYPE a_requests counter\n\
                           a_requests_total{team=\"x\"} 1 # {request_id=\"req_1\"} 0.5\n\
                           # HELP a Now.\n# TYPE a gauge\na 2\n# EOF\n";
        let expected = "# HELP a_requests_total Requests.\n# TYPE a_requests_total counter\n\
                        a_requests_total{team=\"x\"} 1\n# HELP a Now.\n# TYPE a gauge\na 2\n";
        assert_eq!(prometheus_text(openmetrics), expected);
    }
}
