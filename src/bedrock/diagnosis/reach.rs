//! Checks whether an endpoint can be reached, and which step of a connection fails.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::Duration;

use http::Uri;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::rustls;

use crate::bedrock::auth::credentials::with_causes;
use crate::bedrock::client::Bedrock;

/// The timeout of each step.
const LIMIT: Duration = Duration::from_secs(5);

/// Why an endpoint cannot be reached; the text is for the operator.
#[derive(Debug)]
pub enum Unreachable {
    /// Its name does not resolve.
    Name(String),
    /// Its address refuses connections.
    Refused(String),
    /// Its address does not respond.
    NoRoute(String),
    /// Its certificate is not trusted, or it does not speak TLS.
    Tls(String),
    /// It does not speak HTTP, or the URL is invalid.
    Other(String),
}

impl Bedrock {
    /// Connects to `endpoint` step by step, as a call would. The request is not authorized, so any
    /// response counts as success.
    pub async fn reach(&self, endpoint: &str) -> Result<(), Unreachable> {
        let uri: Uri = endpoint
            .parse()
            .map_err(|_| Unreachable::Other("this is not a valid URL".to_owned()))?;
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
    let late = || io::Error::new(ErrorKind::TimedOut, "no response in time");
    tokio::time::timeout(LIMIT, step)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Whether a TLS error is among the causes. `source` of an `io::Error` skips the error that it
/// wraps, and connectors wrap errors more than once.
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
