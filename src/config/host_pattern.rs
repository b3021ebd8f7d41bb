use url::Host;

/// An entry of `[fetch] allow` or `deny`: a host, or the subdomains of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// `example.com`, or an IP address such as `192.0.2.1`.
    One(Host<String>),
    /// `*.example.com`: all subdomains, without `example.com` itself.
    Below(String),
}

impl HostPattern {
    /// Parses an entry; the error is the remedy.
    pub fn parse(text: &str) -> Result<Self, String> {
        let remedy = || {
            "write a host such as \"example.com\" or \"*.example.com\", without scheme, port or path".to_owned()
        };
        let (below, host) = match text.strip_prefix("*.") {
            Some(host) => (true, host),
            None => (false, text),
        };
        // The URL parser normalizes names.
        match (below, Host::parse(host).map_err(|_| remedy())?) {
            (_, Host::Domain(name)) if name.contains('*') => Err(remedy()),
            (false, host) => Ok(Self::One(plain(&host))),
            (true, Host::Domain(name)) => Ok(Self::Below(without_root(&name).to_owned())),
            (true, _) => Err(remedy()),
        }
    }

    /// Whether the pattern matches `host`.
    pub fn matches(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (Self::One(one), host) => *one == plain(host),
            (Self::Below(end), Host::Domain(name)) => without_root(name)
                .strip_suffix(end.as_str())
                .is_some_and(|start| start.len() > 1 && start.ends_with('.')),
            (Self::Below(_), _) => false,
        }
    }
}

fn plain(host: &Host<String>) -> Host<String> {
    match host {
        Host::Domain(name) => Host::Domain(without_root(name).to_owned()),
        other => other.clone(),
    }
}

/// The name without the trailing dot: `example.com.` becomes `example.com`.
fn without_root(name: &str) -> &str {
    name.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_one_host_or_its_subdomains() {
        for (pattern, host, meant) in [
            ("example.com", "example.com", true),
            ("example.com", "EXAMPLE.com", true),
            ("Example.COM", "example.com.", true),
            ("example.com.", "example.com", true),
            ("example.com", "www.example.com", false),
            ("example.com", "badexample.com", false),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "a.b.example.com.", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "badexample.com", false),
            ("*.example.com", "example.com.evil.org", false),
            ("bücher.example", "xn--bcher-kva.example", true),
            ("8.8.8.8", "8.8.8.8", true),
            ("8.8.8.8", "0x08080808", true),
            ("8.8.8.8", "8.8.4.4", false),
            ("[2606:4700::1]", "[2606:4700:0::1]", true),
        ] {
            let parsed = HostPattern::parse(pattern).expect("a pattern");
            let host = Host::parse(host).expect("a host");
            assert_eq!(parsed.matches(&host), meant, "{pattern} {host}");
        }
    }

    #[test]
    fn an_invalid_host_is_rejected_with_a_remedy() {
        for text in [
            "",
            "*",
            "*.",
            "*.*.com",
            "a.*.com",
            "https://example.com",
            "example.com/path",
            "example.com:443",
            "user@example.com",
            "*.8.8.8.8",
            "two words",
        ] {
            let remedy = HostPattern::parse(text).expect_err(text);
            assert!(remedy.starts_with("write a host"), "{text}: {remedy}");
        }
    }
}
