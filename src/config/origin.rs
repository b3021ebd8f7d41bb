use std::net::IpAddr;

use toml::Value;
use url::{Host, Url};

/// Origins of web pages that may call the gateway from a browser: an entry of `[server]
/// cors_origins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigin {
    /// `"*"`: every origin.
    Any,
    /// `"loopback"`: pages served by this machine, on any port.
    Loopback,
    /// One origin, such as `https://chat.example.com`.
    Exact(String),
}

impl AllowedOrigin {
    /// Whether pages of `origin`, the value of an `Origin` header, may call.
    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Loopback => is_loopback_origin(origin),
            Self::Exact(allowed) => allowed.eq_ignore_ascii_case(origin),
        }
    }

    /// Parses an entry of the list.
    pub(super) fn read(entry: &Value) -> Result<Self, String> {
        let remedy = || {
            "write an origin such as \"https://chat.example.com\", without a path; \"loopback\" for \
             the pages of this machine; or \"*\" for all"
                .to_owned()
        };
        match entry.as_str().ok_or_else(remedy)? {
            "*" => Ok(Self::Any),
            "loopback" => Ok(Self::Loopback),
            text => {
                let (_, host) = text.split_once("://").ok_or_else(remedy)?;
                let is_origin = !host.is_empty()
                    && !host.contains(['/', '?', '#', '@', '*'])
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
                    && Url::parse(text).is_ok();
                is_origin
                    .then(|| Self::Exact(text.to_owned()))
                    .ok_or_else(remedy)
            }
        }
    }
}

/// Whether `host`, without a port, is a loopback address or `localhost`, which DNS cannot redirect.
/// This is the check against DNS rebinding.
pub fn is_loopback_host(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    match address.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn is_loopback_origin(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    is_web
        && match url.host() {
            Some(Host::Domain(name)) => is_loopback_host(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::from(address).to_canonical().is_loopback(),
            None => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_hosts_are_those_dns_cannot_redirect() {
        for (host, expected) in [
            ("localhost", true),
            ("LocalHost", true),
            ("127.0.0.1", true),
            ("127.8.9.10", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("evil.example", false),
            ("0.0.0.0", false),
            ("[::]", false),
            ("192.168.0.2", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_host(host), expected, "{host}");
        }
    }

    #[test]
    fn origins_of_this_machine_are_loopback_on_any_port() {
        for (origin, expected) in [
            ("http://localhost:3000", true),
            ("https://localhost", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:5173", true),
            ("http://localhost.evil.example", false),
            ("http://localhost@evil.example", false),
            ("https://evil.example", false),
            ("chrome-extension://localhost", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(AllowedOrigin::Loopback.allows(origin), expected, "{origin}");
        }
    }

    #[test]
    fn an_allowed_origin_is_exactly_an_origin() {
        let read = |text: &str| AllowedOrigin::read(&Value::String(text.to_owned()));
        assert_eq!(read("*"), Ok(AllowedOrigin::Any));
        assert_eq!(read("loopback"), Ok(AllowedOrigin::Loopback));
        let app = read("app://obsidian.md").expect("an origin");
        assert!(app.allows("app://obsidian.md"));
        assert!(!app.allows("app://obsidian.md.evil.example"));
        let site = read("https://chat.example.com").expect("an origin");
        assert!(!site.allows("http://chat.example.com"));
        for text in [
            "chat.example.com",
            "https://chat.example.com/",
            "https://*.example.com",
            "https://a@b.example",
            "null",
            "",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(AllowedOrigin::read(&Value::Integer(1)).is_err());
    }
}
