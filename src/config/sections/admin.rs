use std::net::SocketAddr;

use toml::Value;

use super::keys::{KeyDigest, resolve_secret};
use super::server::parse_listen;
use crate::config::reader::{Mistakes, Section};

/// The minimum length of an admin token.
const MIN_TOKEN_LENGTH: usize = 16;

/// The listener for operators: `[admin]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdminSettings {
    /// Address and port to listen on; `None` if there is no such listener.
    pub listen: Option<SocketAddr>,
    /// Whether a proxy in front of the listener does TLS, without which it serves loopback only.
    pub behind_tls: bool,
    /// The digest of the token that may do everything.
    pub token: Option<KeyDigest>,
    /// The digest of the token that may read the metrics only.
    pub metrics_token: Option<KeyDigest>,
}

pub(crate) fn read(section: &mut Section<'_>) -> AdminSettings {
    let mut settings = AdminSettings::default();
    section.text("listen", &mut settings.listen, read_listen);
    section.flag("behind_tls", &mut settings.behind_tls);
    settings.token = token(section, "token");
    settings.metrics_token = token(section, "metrics_token");
    settings
}

/// An address; `None` for an empty text, as of an unset variable of a deployment.
fn read_listen(text: &str) -> Result<Option<SocketAddr>, String> {
    let remedy = |_| "write an address with a port, such as \"127.0.0.1:8081\"".to_owned();
    match text {
        "" => Ok(None),
        text => parse_listen(text).map(Some).map_err(remedy),
    }
}

fn token(section: &mut Section<'_>, name: &str) -> Option<KeyDigest> {
    let mut value = Value::String(String::new());
    section.secret(name, &mut value);
    match read_token(&value) {
        Ok(digest) => digest,
        // The message omits the value, which may be a token with a typo.
        Err(remedy) => {
            section.mistake(name, "not a token", &remedy);
            None
        }
    }
}

fn read_token(value: &Value) -> Result<Option<KeyDigest>, String> {
    let Value::String(text) = value else {
        return Err("write it as a string in quotes".to_owned());
    };
    if let Some(hex) = text.strip_prefix("sha256:") {
        let digest = KeyDigest::from_hex(hex);
        return digest
            .map(Some)
            .ok_or_else(|| "write 64 hexadecimal digits after `sha256:`".to_owned());
    }
    parse_token(&resolve_secret(text)?)
}

/// Sets the address of `OUTCROP_ADMIN_LISTEN`.
pub(crate) fn apply_listen(listen: &str, settings: &mut AdminSettings, mistakes: &mut Mistakes) {
    match read_listen(listen) {
        Ok(Some(address)) => settings.listen = Some(address),
        Ok(None) => {}
        Err(remedy) => mistakes.add("OUTCROP_ADMIN_LISTEN", format!("`{listen}`"), &remedy),
    }
}

/// Sets the token of `OUTCROP_ADMIN_TOKEN`.
pub(crate) fn apply_token(token: &str, settings: &mut AdminSettings, mistakes: &mut Mistakes) {
    match parse_token(token) {
        Ok(Some(digest)) => settings.token = Some(digest),
        Ok(None) => {}
        Err(remedy) => mistakes.add("OUTCROP_ADMIN_TOKEN", "not a token", &remedy),
    }
}

/// Checks the address, which must be another one than `clients`.
pub(crate) fn check(settings: &AdminSettings, clients: SocketAddr, mistakes: &mut Mistakes) {
    let Some(listen) = settings.listen else {
        return;
    };
    if !listen.ip().to_canonical().is_loopback() && !settings.behind_tls {
        mistakes.add(
            "admin.listen",
            format!("`{listen}` is reachable from other machines, which would send tokens unencrypted"),
            "listen on 127.0.0.1, or put a proxy that does TLS in front and set `[admin] behind_tls \
             = true`",
        );
    }
    if listen == clients && listen.port() != 0 {
        let problem = format!("`{listen}` is the address of `[server] listen`");
        mistakes.add("admin.listen", problem, "choose another port");
    }
}

/// The digest of a token; `None` for an empty text, as of an unset variable of a deployment.
fn parse_token(token: &str) -> Result<Option<KeyDigest>, String> {
    match token {
        "" => Ok(None),
        token if token.len() >= MIN_TOKEN_LENGTH && token.chars().all(|c| c.is_ascii_graphic()) => {
            Ok(Some(KeyDigest::of(token)))
        }
        _ => Err(format!(
            "write at least {MIN_TOKEN_LENGTH} visible ASCII characters, without spaces, such as \
             those of `openssl rand -hex 24`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(settings: &AdminSettings) -> String {
        let mut mistakes = Mistakes::default();
        let clients = "127.0.0.1:8080".parse().expect("an address");
        check(settings, clients, &mut mistakes);
        mistakes.to_string()
    }

    #[test]
    fn other_machines_reach_the_listener_only_through_tls() {
        for (listen, behind_tls, part) in [
            ("127.0.0.1:8081", false, "0 mistakes"),
            ("[::1]:8081", false, "0 mistakes"),
            (
                "0.0.0.0:8081",
                false,
                "admin.listen: `0.0.0.0:8081` is reachable from other machines",
            ),
            ("0.0.0.0:8081", true, "0 mistakes"),
            (
                "127.0.0.1:8080",
                false,
                "is the address of `[server] listen`",
            ),
        ] {
            let settings = AdminSettings {
                listen: Some(listen.parse().expect("an address")),
                behind_tls,
                ..AdminSettings::default()
            };
            let mistakes = mistakes_of(&settings);
            assert!(mistakes.contains(part), "{listen}: {mistakes}");
        }
        assert!(mistakes_of(&AdminSettings::default()).contains("0 mistakes"));
    }

    #[test]
    fn the_variable_of_the_address_overrides_the_file_unless_it_is_empty() {
        let mut settings = AdminSettings::default();
        let mut mistakes = Mistakes::default();
        apply_listen("localhost:8081", &mut settings, &mut mistakes);
        apply_listen("", &mut settings, &mut mistakes);
        assert_eq!(settings.listen, "127.0.0.1:8081".parse().ok());
        assert!(mistakes.is_empty());
        apply_listen("8081", &mut settings, &mut mistakes);
        let text = mistakes.to_string();
        assert!(
            text.contains("OUTCROP_ADMIN_LISTEN: `8081`; write an address"),
            "{text}"
        );
    }

    #[test]
    fn a_token_is_long_or_empty_and_never_shown() {
        let digest = KeyDigest::of("a-token-of-operators");
        let hex = "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8";
        let read = |text: &str| read_token(&Value::String(text.to_owned()));
        assert_eq!(read("a-token-of-operators"), Ok(Some(digest)));
        assert_eq!(read(""), Ok(None));
        assert_eq!(read(&format!("sha256:{hex}")), Ok(KeyDigest::from_hex(hex)));
        for text in ["short-secret", "a token of operators", "sha256:12"] {
            let error = read(text).expect_err(text);
            assert!(!error.contains(text), "{error}");
        }
        let mut settings = AdminSettings::default();
        let mut mistakes = Mistakes::default();
        apply_token("a-token-of-operators", &mut settings, &mut mistakes);
        assert_eq!(settings.token, Some(digest));
        apply_token("", &mut settings, &mut mistakes);
        assert_eq!(settings.token, Some(digest));
        apply_token("short-secret", &mut settings, &mut mistakes);
        let text = mistakes.to_string();
        assert!(text.contains("OUTCROP_ADMIN_TOKEN: not a token"), "{text}");
        assert!(!text.contains("short-secret"), "{text}");
    }
}
