//! Who may use the listener for operators.

use std::net::SocketAddr;

use axum::extract::Request;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};

use super::audit::{Actor, unix_now};
use super::error::AdminError;
use super::tokens::{AdminTokens, Permission};
use crate::config::{AdminSettings, KeyDigest, is_loopback_host};

/// The tokens of the configuration, and whether other machines can reach the listener.
#[derive(Debug)]
pub(super) struct Access {
    token: Option<KeyDigest>,
    metrics_token: Option<KeyDigest>,
    is_loopback: bool,
}

impl Access {
    pub(super) fn new(settings: &AdminSettings, listen: SocketAddr) -> Self {
        Self {
            token: settings.token,
            metrics_token: settings.metrics_token,
            is_loopback: listen.ip().to_canonical().is_loopback(),
        }
    }

    /// Refuses requests that a browser sends for a web page of another site: a page can reach the
    /// port of a machine that shows it, under a foreign name that resolves to loopback, too.
    pub(super) fn check_browser(&self, request: &Request) -> Result<(), AdminError> {
        let headers = request.headers();
        if self.is_loopback
            && let Some(host) = foreign_host(request.uri(), headers)
        {
            let message = format!(
                "the host `{host}` is not a loopback address, and this listener serves only those"
            );
            return Err(AdminError::new(403, "host_not_allowed", message));
        }
        let site = headers.get("sec-fetch-site");
        let is_foreign = match (site, headers.get(ORIGIN)) {
            (Some(site), _) => !matches!(site.as_bytes(), b"none" | b"same-origin"),
            (None, origin) => origin.is_some(),
        };
        match is_foreign {
            false => Ok(()),
            true => Err(AdminError::new(
                403,
                "origin_not_allowed",
                "web pages may not call this listener",
            )),
        }
    }

    /// Checks the token of a scrape: the one for metrics, or any admin token. On loopback none is
    /// needed, unless one for metrics is configured.
    pub(super) async fn check_metrics(
        &self,
        headers: &HeaderMap,
        tokens: &AdminTokens,
    ) -> Result<(), AdminError> {
        if self.is_loopback && self.metrics_token.is_none() {
            return Ok(());
        }
        if self.metrics_token == Some(KeyDigest::of(bearer(headers)?)) {
            return Ok(());
        }
        self.authorize(headers, Permission::ReadGateway, tokens)
            .await
            .map(drop)
    }

    /// The actor with the token of a request, which must have `permission`.
    pub(super) async fn authorize(
        &self,
        headers: &HeaderMap,
        permission: Permission,
        tokens: &AdminTokens,
    ) -> Result<Actor, AdminError> {
        let token = bearer(headers)?;
        if self.token == Some(KeyDigest::of(token)) {
            return Ok(Actor::configured_token());
        }
        match tokens.identify(token, unix_now()).await? {
            None => Err(unauthorized(
                "the admin token is unknown, expired or revoked; API keys are no admin tokens",
            )),
            Some((name, scope)) if scope.allows(permission) => Ok(Actor::token(&name)),
            Some((_, scope)) => {
                let needed = permission.scopes();
                let message = format!("the token has the scope `{scope}`, and this needs {needed}");
                Err(AdminError::new(403, "insufficient_scope", message))
            }
        }
    }
}

/// The bearer token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, AdminError> {
    let missing = || unauthorized("send an admin token as `Authorization: Bearer TOKEN`");
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(missing());
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or_else(missing)?;
    match scheme.eq_ignore_ascii_case("bearer") {
        true => Ok(token.trim()),
        false => Err(missing()),
    }
}

fn unauthorized(message: &'static str) -> AdminError {
    AdminError::new(401, "invalid_token", message)
}

/// The host of a request if it is not a loopback address.
fn foreign_host(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let named = uri.authority().map(Authority::as_str);
    let hosts = headers.get_all(HOST).iter();
    let mut hosts = named
        .into_iter()
        .chain(hosts.map(|host| host.to_str().unwrap_or("?")));
    let is_loopback = |host: &str| {
        let authority = host.parse::<Authority>();
        authority.is_ok_and(|authority| !host.contains('@') && is_loopback_host(authority.host()))
    };
    hosts.find(|host| !is_loopback(host)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::Body;

    use super::*;
    use crate::admin::tokens::Scope;
    use crate::store::Store;

    const TOKEN: &str = "an-admin-token-of-operators";
    const METRICS_TOKEN: &str = "a-token-of-prometheus";

    fn access(listen: &str, token: Option<&str>, metrics_token: Option<&str>) -> Access {
        let settings = AdminSettings {
            token: token.map(KeyDigest::of),
            metrics_token: metrics_token.map(KeyDigest::of),
            ..AdminSettings::default()
        };
        Access::new(&settings, listen.parse().expect("an address"))
    }

    fn request(headers: &[(&'static str, &str)]) -> Request {
        let mut request = Request::new(Body::empty());
        for (name, value) in headers {
            let value = value.parse().expect("a value");
            request.headers_mut().append(*name, value);
        }
        request
    }

    fn tokens() -> AdminTokens {
        let name = format!("outcrop-admin-access-{:016x}.db", fastrand::u64(..));
        AdminTokens::new(Arc::new(Store::at(&std::env::temp_dir().join(name))))
    }

    #[tokio::test]
    async fn a_token_needs_the_scope_of_what_it_does() {
        use Permission::{Administer, ChangeCallers, ReadCallers, ReadGateway};
        let tokens = tokens();
        let access = access("127.0.0.1:1", Some(TOKEN), None);
        for (scope, allowed) in [
            (Scope::Read, &[ReadGateway, ReadCallers][..]),
            (Scope::Keys, &[ReadCallers, ChangeCallers]),
            (
                Scope::All,
                &[ReadGateway, ReadCallers, ChangeCallers, Administer],
            ),
        ] {
            let created = tokens.create("ci", scope, None, 0).await.expect("a token");
            let authorization = format!("Bearer {}", created.expose());
            let request = request(&[("authorization", &authorization)]);
            for needed in [ReadGateway, ReadCallers, ChangeCallers, Administer] {
                let actor = access.authorize(request.headers(), needed, &tokens).await;
                assert_eq!(
                    actor.is_ok(),
                    allowed.contains(&needed),
                    "{scope} {needed:?}"
                );
            }
        }
        assert_eq!(ChangeCallers.scopes(), "`keys` or `all`");
        let authorization = format!("Bearer {TOKEN}");
        let request = request(&[("authorization", &authorization)]);
        let actor = access
            .authorize(request.headers(), Administer, &tokens)
            .await;
        assert_eq!(actor, Ok(Actor::configured_token()));
    }

    #[tokio::test]
    async fn metrics_need_a_token_except_on_loopback_without_one_of_their_own() {
        let (loopback, everywhere) = ("127.0.0.1:1", "0.0.0.0:1");
        for (listen, token, metrics_token, sent, allowed) in [
            (loopback, None, None, None, true),
            (loopback, Some(TOKEN), None, None, true),
            (loopback, None, Some(METRICS_TOKEN), None, false),
            (
                loopback,
                None,
                Some(METRICS_TOKEN),
                Some(METRICS_TOKEN),
                true,
            ),
            (
                loopback,
                Some(TOKEN),
                Some(METRICS_TOKEN),
                Some(TOKEN),
                true,
            ),
            (everywhere, None, None, None, false),
            (everywhere, Some(TOKEN), None, None, false),
            (everywhere, Some(TOKEN), None, Some(TOKEN), true),
            (
                everywhere,
                Some(TOKEN),
                None,
                Some("another-token-than-that"),
                false,
            ),
            (
                everywhere,
                None,
                Some(METRICS_TOKEN),
                Some(METRICS_TOKEN),
                true,
            ),
        ] {
            let access = access(listen, token, metrics_token);
            let authorization = sent.map(|token| format!("Bearer {token}"));
            let headers: Vec<_> = authorization
                .iter()
                .map(|value| ("authorization", value.as_str()))
                .collect();
            let checked = access
                .check_metrics(request(&headers).headers(), &tokens())
                .await;
            assert_eq!(
                checked.is_ok(),
                allowed,
                "{listen} {token:?} {metrics_token:?} {sent:?}"
            );
        }
    }

    #[test]
    fn one_bearer_token_is_read() {
        let read = |values: &[&str]| {
            let headers: Vec<_> = values
                .iter()
                .map(|value| ("authorization", *value))
                .collect();
            bearer(request(&headers).headers()).ok().map(str::to_owned)
        };
        assert_eq!(read(&["bearer  abc "]), Some("abc".to_owned()));
        for values in [
            &[][..],
            &["abc"],
            &["Basic abc"],
            &["Bearer abc", "Bearer abc"],
        ] {
            assert_eq!(read(values), None, "{values:?}");
        }
    }

    #[test]
    fn web_pages_of_other_sites_are_refused() {
        for (listen, headers, allowed) in [
            ("127.0.0.1:1", &[("host", "localhost:8081")][..], true),
            ("127.0.0.1:1", &[("host", "evil.example:8081")], false),
            ("0.0.0.0:1", &[("host", "outcrop.internal")], true),
            (
                "127.0.0.1:1",
                &[("host", "localhost"), ("sec-fetch-site", "none")],
                true,
            ),
            (
                "127.0.0.1:1",
                &[
                    ("host", "localhost"),
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://localhost"),
                ],
                true,
            ),
            (
                "127.0.0.1:1",
                &[("host", "localhost"), ("sec-fetch-site", "cross-site")],
                false,
            ),
            (
                "127.0.0.1:1",
                &[("host", "localhost"), ("sec-fetch-site", "same-site")],
                false,
            ),
            (
                "0.0.0.0:1",
                &[
                    ("host", "outcrop.internal"),
                    ("origin", "https://evil.example"),
                ],
                false,
            ),
        ] {
            let access = access(listen, None, None);
            let checked = access.check_browser(&request(headers));
            assert_eq!(checked.is_ok(), allowed, "{listen} {headers:?}");
        }
    }
}
