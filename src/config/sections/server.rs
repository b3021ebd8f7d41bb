use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::config::origin::AllowedOrigin;
use crate::config::reader::Section;
use crate::resources::body_memory::BodyMemory;

/// The HTTP server: `[server]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Origins of web pages that may call from a browser.
    pub cors_origins: Vec<AllowedOrigin>,
    /// The maximum size of a request body, in bytes.
    pub max_body: usize,
    /// The memory for the bodies of all requests, in bytes.
    pub max_body_memory: usize,
    /// Timeout for a whole request body.
    pub body_timeout: Duration,
    /// The minimum bytes per second of a request body; 0 for no minimum.
    pub min_upload_rate: usize,
    /// The time over which `min_upload_rate` is averaged.
    pub upload_window: Duration,
    /// Timeout for the request line and headers, from the first byte.
    pub head_timeout: Duration,
    /// Keep-alive timeout of an idle connection. It must be longer than that of load balancers, so
    /// that they close the connection first.
    pub idle_timeout: Duration,
    /// Timeout for a client that does not read its response.
    pub write_timeout: Duration,
    /// The maximum number of connections; 0 for a number that fits the limit of file descriptors.
    pub max_connections: usize,
    /// The interval of the comments that keep a stream without events open.
    pub keepalive: Duration,
    /// Time after SIGTERM in which new requests are served while `/readyz` fails.
    pub drain_delay: Duration,
    /// Time after that for requests in flight.
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

pub(crate) fn read(section: &mut Section<'_>) -> ServerSettings {
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

/// Parses an address with a port. Host names other than `localhost` are not resolved: the address
/// to listen on must not depend on DNS.
pub(crate) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse()
        .map_err(|_| "write an address with a port, such as \"127.0.0.1:8080\"".to_owned())
}
