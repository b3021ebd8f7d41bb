use std::time::Duration;

use toml::Value;

use crate::config::host_pattern::HostPattern;
use crate::config::reader::Section;

/// Downloads of URLs in requests: `[fetch]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// Whether URLs are downloaded.
    pub enabled: bool,
    /// The maximum size of a file, in bytes.
    pub max_size: usize,
    /// The maximum size of all files of a request, in bytes.
    pub max_total_size: usize,
    /// The maximum number of URLs in a request.
    pub max_count: usize,
    /// Concurrent downloads for a request.
    pub concurrency: usize,
    /// Concurrent downloads for all requests.
    pub max_concurrent_downloads: usize,
    /// Concurrent downloads for a caller.
    pub max_concurrent_downloads_per_caller: usize,
    /// Timeout for a connection, TLS handshake included.
    pub connect_timeout: Duration,
    /// Timeout for a file, redirects included.
    pub timeout: Duration,
    /// The maximum number of redirects.
    pub max_redirects: u32,
    /// The only hosts that files may come from, unless it is empty.
    pub allow: Vec<HostPattern>,
    /// Hosts that files may not come from; takes precedence over `allow`.
    pub deny: Vec<HostPattern>,
    /// Whether `http:` URLs are accepted.
    pub allow_http: bool,
    /// Ports in addition to the default ports of the schemes.
    pub allowed_ports: Vec<u16>,
    /// Whether private and loopback addresses are accepted; the metadata services of clouds are
    /// not.
    pub private_networks: bool,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            max_size: 20 << 20,
            max_total_size: 32 << 20,
            max_count: 20,
            concurrency: 4,
            max_concurrent_downloads: 64,
            max_concurrent_downloads_per_caller: 16,
            connect_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            max_redirects: 3,
            allow: Vec::new(),
            deny: Vec::new(),
            allow_http: false,
            allowed_ports: Vec::new(),
            private_networks: false,
        }
    }
}

pub(crate) fn read(section: &mut Section<'_>) -> FetchSettings {
    let mut settings = FetchSettings::default();
    section.flag("enabled", &mut settings.enabled);
    section.bytes("max_size", &mut settings.max_size);
    section.bytes("max_total_size", &mut settings.max_total_size);
    section.integer("max_count", &mut settings.max_count, 1..=1000);
    section.integer("concurrency", &mut settings.concurrency, 1..=64);
    let field = &mut settings.max_concurrent_downloads;
    section.integer("max_concurrent_downloads", field, 1..=10_000);
    let field = &mut settings.max_concurrent_downloads_per_caller;
    section.integer("max_concurrent_downloads_per_caller", field, 1..=10_000);
    section.duration("connect_timeout", &mut settings.connect_timeout);
    section.duration("timeout", &mut settings.timeout);
    section.integer("max_redirects", &mut settings.max_redirects, 0..=20);
    section.list("allow", &mut settings.allow, host);
    section.list("deny", &mut settings.deny, host);
    section.flag("allow_http", &mut settings.allow_http);
    section.list("allowed_ports", &mut settings.allowed_ports, port);
    section.flag("private_networks", &mut settings.private_networks);
    for (name, value) in [
        ("connect_timeout", settings.connect_timeout),
        ("timeout", settings.timeout),
    ] {
        if value == Duration::ZERO {
            section.mistake(name, "`0`", "write a duration above 0");
        }
    }
    settings
}

fn host(value: &Value) -> Result<HostPattern, String> {
    HostPattern::parse(value.as_str().unwrap_or_default())
}

fn port(value: &Value) -> Result<u16, String> {
    value
        .as_integer()
        .and_then(|port| u16::try_from(port).ok())
        .filter(|port| *port > 0)
        .ok_or_else(|| "write a port from 1 to 65535".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Mistakes;

    #[test]
    fn fetch_settings_are_parsed_and_mistakes_are_named() {
        let text = r#"
            enabled = false
            max_size = "1MiB"
            allow = ["*.example.com", "192.0.2.1"]
            deny = ["https://example.com", 7]
            allowed_ports = [8443, 0]
            allow_http = "yes"
            timeout = "0s"
        "#;
        let mut mistakes = Mistakes::default();
        let table = text.parse().expect("TOML");
        let settings = read(&mut Section::root(table, &mut mistakes));
        assert!(!settings.enabled);
        assert_eq!(settings.max_size, 1 << 20);
        assert_eq!(settings.allow.len(), 2);
        assert_eq!(settings.allowed_ports, [8443]);
        let text = mistakes.to_string();
        for part in [
            "5 mistakes",
            "deny: `\"https://example.com\"`; write a host such as",
            "deny: `7`; write a host such as",
            "allowed_ports: `0`; write a port from 1 to 65535",
            "allow_http: `\"yes\"`; write true or false",
            "timeout: `0`; write a duration above 0",
        ] {
            assert!(text.contains(part), "{part}\nis not in\n{text}");
        }
    }
}
