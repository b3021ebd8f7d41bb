use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::origin::AllowedOrigin;
use super::reader::Section;
use crate::body_memory::BodyMemory;

/// Where and how to listen: `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address.
    pub listen: SocketAddr,
    /// Which web pages may call from a browser.
    pub cors_origins: Vec<AllowedOrigin>,
    /// The longest body of a request, in bytes.
    pub max_body: usize,
    /// The memory that all requests may take together while they are read, translated and sent, in
    /// bytes.
    pub max_body_memory: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How many bytes of a body have to arrive in a second; with 0, none have to.
    pub min_upload_rate: usize,
    /// Over which time the rate is measured.
    pub upload_window: Duration,
    /// How long a head may take to arrive, from its first byte.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request. Longer than load balancers keep idle
    /// connections, so that they are the ones to close them.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of what is written to it.
    pub write_timeout: Duration,
    /// The most connections; 0 for what the limit of file descriptors has room for.
    pub max_connections: usize,
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
            cors_origins: vec![AllowedOrigin::Loopback],
            max_body: 32 << 20,
            max_body_memory: 256 << 20,
            body_timeout: Duration::from_secs(60),
            min_upload_rate: 1 << 10,
            upload_window: Duration::from_secs(5),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(15 * 60),
            write_timeout: Duration::from_secs(30),
            max_connections: 0,
            keepalive: Duration::from_secs(10),
            drain_delay: Duration::from_secs(3),
            grace_period: Duration::from_secs(30),
        }
    }
}

pub(super) fn read(section: &mut Section<'_>) -> ServerSettings {
    let mut settings = ServerSettings::default();
    section.text("listen", &mut settings.listen, parse_listen);
    section.list(
        "cors_origins",
        &mut settings.cors_origins,
        AllowedOrigin::read,
    );
    section.bytes("max_body", &mut settings.max_body);
    section.bytes("max_body_memory", &mut settings.max_body_memory);
    section.duration("body_timeout", &mut settings.body_timeout);
    section.bytes_or_none("min_upload_rate", &mut settings.min_upload_rate);
    section.duration("upload_window", &mut settings.upload_window);
    section.duration("head_timeout", &mut settings.head_timeout);
    section.duration("idle_timeout", &mut settings.idle_timeout);
    section.duration("write_timeout", &mut settings.write_timeout);
    section.integer(
        "max_connections",
        &mut settings.max_connections,
        0..=1_000_000,
    );
    section.duration("keepalive", &mut settings.keepalive);
    section.duration("drain_delay", &mut settings.drain_delay);
    section.duration("grace_period", &mut settings.grace_period);
    for (name, limit) in [
        ("upload_window", settings.upload_window),
        ("head_timeout", settings.head_timeout),
        ("idle_timeout", settings.idle_timeout),
        ("write_timeout", settings.write_timeout),
    ] {
        if limit < Duration::from_secs(1) {
            section.mistake(name, "too short", "write at least \"1s\"");
        }
    }
    if settings.keepalive < Duration::from_millis(100) {
        section.mistake("keepalive", "too short", "write at least \"100ms\"");
    }
    let min = BodyMemory::min_for(settings.max_body);
    if settings.max_body_memory < min {
        let remedy = format!("write at least {min} bytes for this `max_body`, or lower that");
        section.mistake("max_body_memory", settings.max_body_memory, &remedy);
    }
    settings
}

/// An address with a port. Names are not resolved: where a server listens should not depend on it.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse()
        .map_err(|_| "write an address with a port, such as \"127.0.0.1:8080\"".to_owned())
}
