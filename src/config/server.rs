use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::reader::Section;

/// Where and how to listen: `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address.
    pub listen: SocketAddr,
    /// The longest body of a request, in bytes.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a stream may be silent before a comment keeps the line open.
    pub keepalive: Duration,
    /// How long after SIGTERM new requests are still taken, while `/readyz` already says no.
    pub drain_delay: Duration,
    /// How long after that answers under way may take.
    pub grace_period: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            max_body: 32 << 20,
            body_timeout: Duration::from_secs(60),
            keepalive: Duration::from_secs(10),
            drain_delay: Duration::from_secs(3),
            grace_period: Duration::from_secs(30),
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> ServerSettings {
    let mut settings = ServerSettings::default();
    section.text("listen", &mut settings.listen, parse_listen);
    section.bytes("max_body", &mut settings.max_body);
    section.duration("body_timeout", &mut settings.body_timeout);
    section.duration("keepalive", &mut settings.keepalive);
    section.duration("drain_delay", &mut settings.drain_delay);
    section.duration("grace_period", &mut settings.grace_period);
    if settings.keepalive < Duration::from_millis(100) {
        section.mistake("keepalive", "too short", "write at least \"100ms\"");
    }
    settings
}

/// An address with a port. Names are not resolved: where a server listens should not depend on it.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse()
        .map_err(|_| "write an address with a port, such as \"127.0.0.1:8080\"".to_owned())
}
