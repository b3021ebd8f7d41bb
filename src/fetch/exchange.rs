//! One request to one server, on a connection of its own.

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
use super::hosts::without_root;
use super::network::Network;
use super::target::{FetchTarget, permits};
use crate::config::FetchSettings;

/// The longest head of an answer.
const MAX_HEAD_SIZE: usize = 64 << 10;

/// What the gateway hopes for; servers send what they have.
const ACCEPTED: &str = "image/*, application/pdf, */*;q=0.5";

/// An answer whose body is still on its way.
pub(super) struct Exchange {
    pub(super) response: Response<Incoming>,
    /// The connection; it ends with the exchange.
    _connection: JoinSet<()>,
}

/// The way to servers: the network, whom to trust, and what is allowed.
#[derive(Clone, Copy)]
pub(super) struct ServerConnector<'a> {
    pub(super) network: &'a dyn Network,
    pub(super) tls: &'a Arc<ClientConfig>,
    pub(super) settings: &'a FetchSettings,
}

impl ServerConnector<'_> {
    /// Asks for `target` and waits for the head of the answer.
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
                    "`{}` could not be spoken to over TLS with a certificate that this gateway \
                     trusts; try another address, or send the file as a data URL",
                    target.host
                ),
            )),
        }
    }

    /// Connects to one of the addresses that have just been checked. What is left of its time is
    /// for TLS.
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

    /// The addresses of the host. One that is not allowed spoils the others: a name with a public
    /// and a private address is no public server. A name without any address is answered in the
    /// same words, so that names of private networks cannot be told from names that are not.
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
                    "`{}` is not a host on the public internet, or one that this gateway does not \
                     fetch from; use another one, or send the file as a data URL",
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
        // How a connection ends is seen in the answer.
        let _ = connection.await;
    });
    // Nothing of the client's request goes along, no cookies, credentials or referrer.
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

/// The value, if there is one before `deadline`.
async fn before<T, E>(deadline: Instant, future: impl Future<Output = Result<T, E>>) -> Option<T> {
    tokio::time::timeout_at(deadline, future).await.ok()?.ok()
}

/// The port is said where it is not the scheme's own.
fn host_header(target: &FetchTarget) -> String {
    match target.url.port() {
        Some(port) => format!("{}:{port}", target.host),
        None => target.host.to_string(),
    }
}

fn server_name(host: &Host<String>) -> Option<ServerName<'static>> {
    match host {
        Host::Domain(name) => ServerName::try_from(without_root(name).to_owned()).ok(),
        Host::Ipv4(address) => Some(IpAddr::V4(*address).into()),
        Host::Ipv6(address) => Some(IpAddr::V6(*address).into()),
    }
}

fn unreachable(target: &FetchTarget) -> Problem {
    Problem::new(
        FetchErrorKind::Unreachable,
        format!(
            "`{}` takes no connection; try again, or send the file as a data URL",
            target.host
        ),
    )
}

/// For an answer that is none, or that ends before its end.
pub(super) fn broken_off(target: &FetchTarget) -> Problem {
    Problem::new(
        FetchErrorKind::Unreachable,
        format!(
            "`{}` broke off its answer; try again, or send the file as a data URL",
            target.host
        ),
    )
}
