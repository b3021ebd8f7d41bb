//! Whether an endpoint can be reached, and if not, which step on the way to it fails.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::rustls;

use super::client::Bedrock;
use super::credentials::with_causes;

/// How long each step may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Why an endpoint cannot be reached; the text is for the operator.
#[derive(Debug)]
pub enum Unreachable {
    /// Its name has no address.
    Name(String),
    /// Nothing listens at its address.
    Refused(String),
    /// Its address does not answer.
    NoRoute(String),
    /// It is not trusted, or does not speak TLS.
    Tls(String),
    /// It does not speak HTTP, or the address is not one.
    Other(String),
}

impl Bedrock {
    /// Goes the way of a call to `endpoint`, step by step. Any response will do: nothing is
    /// authorized.
    pub async fn reach(&self, endpoint: &str) -> Result<(), Unreachable> {
        let uri: Uri = endpoint
            .parse()
            .map_err(|_| Unreachable::Other("this is not an address".to_owned()))?;
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_https = uri.scheme_str() != Some("http");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let addresses = in_time(lookup_host((host, port))).await;
        let addresses: Vec<_> = match addresses {
            Ok(addresses) => addresses.collect(),
            Err(error) => return Err(Unreachable::Name(error.to_string())),
        };
        let connected = in_time(TcpStream::connect(&*addresses)).await;
        connected.map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => Unreachable::Refused(error.to_string()),
            _ => Unreachable::NoRoute(error.to_string()),
        })?;
        let reached = self.transport().reach(endpoint);
        match tokio::time::timeout(LIMIT, reached).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(match is_about_tls(&*error) {
                true => Unreachable::Tls(with_causes(&*error)),
                false => Unreachable::Other(with_causes(&*error)),
            }),
            Err(_) => Err(Unreachable::Other("no response in time".to_owned())),
        }
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = || io::Error::new(ErrorKind::TimedOut, "no answer in time");
    tokio::time::timeout(LIMIT, step)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Whether an error of TLS is among the causes. An `io::Error` does not name what it wraps as its
/// cause, and connectors wrap it more than once.
fn is_about_tls(error: &(dyn Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => is_about_tls(wrapped),
        None => error.source().is_some_and(is_about_tls),
    }
}
