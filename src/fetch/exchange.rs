//! One HTTP request on a new connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Host;

use super::error::{FetchErrorKind, Problem};
use super::network::Network;
use super::target::{FetchTarget, permits};
use crate::config::FetchSettings;

/// The maximum size of a response head.
const MAX_HEAD_SIZE: usize = 64 << 10;

/// The preferred media types.
const ACCEPTED: &str = "image/*, application/pdf, */*;q=0.5";

/// A response whose body is still being received.
pub(super) struct Exchange {
    pub(super) response: Response<Incoming>,
    /// The task of the connection, which ends with the exchange.
    _connection: JoinSet<()>,
}

/// Connects to servers.
#[derive(Clone, Copy)]
pub(super) struct ServerConnector<'a> {
    pub(super) network: &'a dyn Network,
    pub(super) tls: &'a Arc<ClientConfig>,
    pub(super) settings: &'a FetchSettings,
}

impl ServerConnector<'_> {
    /// Requests `target` and waits for the response head.
    pub(super) async fn send(self, target: &FetchTarget) -> Result<Exchange, Problem> {
        let (stream, deadline) = self.connect(target).await?;
        if target.url.scheme() == "http" {
            return exchange(stream, target).await;
        }
        let name = server_name(&target.host).ok_or_else(|| unreachable(target))?;
        let handshake = TlsConnector::from(Arc::clone(self.tls)).connect(name, stream);
        match before(deadline, handshake).await {
            Some(stream) => exchange(stream, target).await,
            None => Err(Problem::new(
                FetchErrorKind::Unreachable,
                format!(
                    "the TLS handshake with `{}` failed, or its certificate is not trusted; use \
                    another URL, or send the file as a data URL",
                    target.host
                ),
            )),
        }
    }

    /// Connects to one of the checked addresses. The rest of the timeout is left for TLS.
    async fn connect(self, target: &FetchTarget) -> Result<(TcpStream, Instant), Problem> {
        for address in self.checked_addresses(target).await? {
            let address = SocketAddr::new(address, target.port);
            let deadline = Instant::now() + self.settings.connect_timeout;
            if let Some(stream) = before(deadline, self.network.connect(address)).await {
                return Ok((stream, deadline));
            }
        }
        Err(unreachable(target))
    }

    /// The addresses of the host, all of which must be allowed: a name with a public and a private
    /// address is not public. A name without an address gives the same message, so that names of
    /// private networks cannot be probed.
    async fn checked_addresses(self, target: &FetchTarget) -> Result<Vec<IpAddr>, Problem> {
        let addresses = match &target.host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            Host::Domain(name) => self.network.resolve(name).await.unwrap_or_default(),
        };
        let allowed = |address: &IpAddr| permits(*address, self.settings);
        if addresses.is_empty() || !addresses.iter().all(allowed) {
            return Err(Problem::new(
                FetchErrorKind::NotAllowed,
                format!(
                    "`{}` is not a public host, or not one that this gateway fetches files from; use \
                    another host, or send the file as a data URL",
                    target.host
                ),
            ));
        }
        Ok(addresses)
    }
}

async fn exchange<S>(stream: S, target: &FetchTarget) -> Result<Exchange, Problem>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_SIZE)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| broken_off(target))?;
    let mut driver = JoinSet::new();
    driver.spawn(async move {
        // Errors of the connection appear in the response.
        let _ = connection.await;
    });
    // No headers of the client's request are forwarded: no cookies, credentials or referrer.
    let request = Request::get(target.path.as_str())
        .header(HOST, host_header(target))
        .header(USER_AGENT, concat!("outcrop/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, ACCEPTED)
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::<Bytes>::new())
        .map_err(|_| broken_off(target))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|_| broken_off(target))?;
    Ok(Exchange {
        response,
        _connection: driver,
    })
}

/// The value of `future`; `None` on an error or after `deadline`.
async fn before<T, E>(deadline: Instant, future: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout_at(deadline, future).await.ok()?.ok()
}

/// The `Host` header, with the port if it is not the default.
fn host_header(target: &FetchTarget) -> String {
    match target.url.port() {
        Some(port) => format!("{}:{port}", target.host),
        None => target.host.to_string(),
    }
}

fn server_name(host: &Host<String>) -> Option<ServerName<'static>> {
    match host {
        // Names of the DNS may end in a dot, names in certificates do not.
        Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok(),
        Host::Ipv4(address) => Some(IpAddr::V4(*address).into()),
        Host::Ipv6(address) => Some(IpAddr::V6(*address).into()),
    }
}

fn unreachable(target: &FetchTarget) -> Problem {
    Problem::new(
        FetchErrorKind::Unreachable,
        format!(
            "cannot connect to `{}`; try again, or send the file as a data URL",
            target.host
        ),
    )
}

/// An invalid or incomplete response.
pub(super) fn broken_off(target: &FetchTarget) -> Problem {
    Problem::new(
        FetchErrorKind::Unreachable,
        format!(
            "the response of `{}` is incomplete; try again, or send the file as a data URL",
            target.host
        ),
    )
}
