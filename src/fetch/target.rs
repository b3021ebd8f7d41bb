use std::net::IpAddr;

use http::uri::PathAndQuery;
use url::{Host, Position, Url};

use super::address::{Reach, reach};
use super::error::{FetchErrorKind, Problem};
use crate::config::FetchSettings;

/// A URL that passed all checks that need no network.
#[derive(Debug, Clone)]
pub(super) struct FetchTarget {
    pub(super) url: Url,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    pub(super) path: PathAndQuery,
}

impl FetchTarget {
    /// Parses and checks a URL of a request.
    pub(super) fn parse(address: &str, settings: &FetchSettings) -> Result<Self, Problem> {
        let url = Url::parse(address).map_err(|error| malformed(&error.to_string()))?;
        Self::check(url, settings)
    }

    /// Checks scheme, port and host, and that the URL has no credentials.
    pub(super) fn check(mut url: Url, settings: &FetchSettings) -> Result<Self, Problem> {
        let default_port = match url.scheme() {
            "https" => 443,
            "http" if settings.allow_http => 80,
            scheme => {
                return Err(not_allowed(format!(
                    "`{scheme}:` URLs are not supported; use an `https:` URL, or send the file as a \
                    data URL"
                )));
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(not_allowed(
                "URLs with a user name or password are not supported; use a URL without them, or send \
                the file as a data URL",
            ));
        }
        let host = url
            .host()
            .ok_or_else(|| malformed("it has no host"))?
            .to_owned();
        let port = url.port().unwrap_or(default_port);
        if port != default_port && !settings.allowed_ports.contains(&port) {
            return Err(not_allowed(format!(
                "this gateway does not fetch files from port {port}; use port {default_port}, or send \
                the file as a data URL"
            )));
        }
        let listed = settings.allow.is_empty() || settings.allow.iter().any(|it| it.matches(&host));
        if !listed || denied(&host, settings) {
            return Err(not_allowed(format!(
                "this gateway does not fetch files from `{host}`; use another host, or send the file \
                as a data URL"
            )));
        }
        url.set_fragment(None);
        let path = PathAndQuery::try_from(&url[Position::BeforePath..Position::AfterQuery])
            .map_err(|error| malformed(&error.to_string()))?;
        Ok(Self {
            url,
            host,
            port,
            path,
        })
    }
}

/// Whether connections to `address` are allowed.
pub(super) fn permits(address: IpAddr, settings: &FetchSettings) -> bool {
    let reached = match reach(address) {
        Reach::Public => true,
        Reach::Private => settings.private_networks,
        Reach::Blocked => false,
    };
    let host = match address {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    };
    reached && !denied(&host, settings)
}

fn denied(host: &Host<String>, settings: &FetchSettings) -> bool {
    settings.deny.iter().any(|pattern| pattern.matches(host))
}

fn malformed(reason: &str) -> Problem {
    Problem::new(
        FetchErrorKind::Malformed,
        format!(
            "invalid URL ({reason}); send a complete URL such as `https://example.com/image.png`"
        ),
    )
}

fn not_allowed(message: impl Into<String>) -> Problem {
    Problem::new(FetchErrorKind::NotAllowed, message)
}

#[cfg(test)]
mod tests {
    use super::FetchErrorKind::{Malformed, NotAllowed};
    use super::*;
    use crate::config::HostPattern;

    fn kind(address: &str, settings: &FetchSettings) -> Result<String, FetchErrorKind> {
        FetchTarget::parse(address, settings)
            .map(|target| format!("{} {} {}", target.host, target.port, target.path))
            .map_err(|problem| problem.at(0).kind)
    }

    #[test]
    fn a_url_is_parsed_before_it_is_checked() {
        let settings = FetchSettings::default();
        for (address, expected) in [
            ("https://example.com", Ok("example.com 443 /")),
            (
                "HTTPS://Example.COM:443/a b?c=d#e",
                Ok("example.com 443 /a%20b?c=d"),
            ),
            ("https://bücher.example/", Ok("xn--bcher-kva.example 443 /")),
            // All notations of an IPv4 address are parsed; it is checked before connecting.
            ("https://0x7f.1/", Ok("127.0.0.1 443 /")),
            ("https://2130706433/", Ok("127.0.0.1 443 /")),
            ("https://0251.0376.0251.0376/", Ok("169.254.169.254 443 /")),
            ("https://[::ffff:127.0.0.1]/", Ok("[::ffff:7f00:1] 443 /")),
            ("https://①②⑦.0.0.1/", Ok("127.0.0.1 443 /")),
            (
                "https://example.com\\@evil.org/",
                Ok("example.com 443 /@evil.org/"),
            ),
            ("", Err(Malformed)),
            ("image.png", Err(Malformed)),
            ("//example.com/a.png", Err(Malformed)),
            ("https://", Err(Malformed)),
            ("https://1.2.3.4.5/", Err(Malformed)),
            ("https://exa mple.com/", Err(Malformed)),
            ("https://example.com:99999/", Err(Malformed)),
            ("http://example.com/", Err(NotAllowed)),
            ("ftp://example.com/", Err(NotAllowed)),
            ("file:///etc/passwd", Err(NotAllowed)),
            ("gopher://example.com/", Err(NotAllowed)),
            ("data:image/png;base64,AAAA", Err(NotAllowed)),
            ("javascript:alert(1)", Err(NotAllowed)),
            ("https://user@example.com/", Err(NotAllowed)),
            ("https://user:secret@example.com/", Err(NotAllowed)),
            ("https://:secret@example.com/", Err(NotAllowed)),
            ("https://example.com:80/", Err(NotAllowed)),
            ("https://example.com:22/", Err(NotAllowed)),
            ("https://example.com:0/", Err(NotAllowed)),
        ] {
            let actual = kind(address, &settings);
            assert_eq!(actual, expected.map(str::to_owned), "{address}");
        }
    }

    #[test]
    fn configuration_allows_schemes_and_ports_and_restricts_hosts() {
        let pattern = |text: &str| HostPattern::parse(text).expect("a pattern");
        let settings = FetchSettings {
            allow_http: true,
            allowed_ports: vec![8443],
            allow: vec![pattern("*.example.com"), pattern("8.8.8.8")],
            deny: vec![pattern("secret.example.com")],
            ..FetchSettings::default()
        };
        for (address, allowed) in [
            ("https://www.example.com/", true),
            ("http://www.example.com/", true),
            ("https://www.example.com:8443/", true),
            ("http://www.example.com:8443/", true),
            ("http://www.example.com:443/", false),
            ("https://www.example.com:80/", false),
            ("https://8.8.8.8/", true),
            ("https://example.com/", false),
            ("https://secret.example.com/", false),
            ("https://SECRET.example.com./", false),
            ("https://example.org/", false),
        ] {
            assert_eq!(kind(address, &settings).is_ok(), allowed, "{address}");
        }
    }

    #[test]
    fn configuration_can_allow_private_networks_but_never_metadata() {
        let closed = FetchSettings::default();
        let open = FetchSettings {
            private_networks: true,
            deny: vec![HostPattern::parse("10.0.0.7").expect("a pattern")],
            ..FetchSettings::default()
        };
        for (address, by_default, opened) in [
            ("8.8.8.8", true, true),
            ("10.0.0.1", false, true),
            ("10.0.0.7", false, false),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("fd12::1", false, true),
            ("169.254.169.254", false, false),
            ("169.254.170.2", false, false),
            ("fd00:ec2::254", false, false),
            ("100.100.100.200", false, false),
            ("::ffff:10.0.0.1", false, false),
            ("0.0.0.0", false, false),
        ] {
            let ip = address.parse().expect("an address");
            assert_eq!(permits(ip, &closed), by_default, "{address}");
            assert_eq!(permits(ip, &open), opened, "{address}");
        }
    }
}
