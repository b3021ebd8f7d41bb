//! Connections to Bedrock: the timeout, TLS included, and permanent failures.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::Uri;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::rustls;
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use crate::resources::certificates::trusted;

pub(in crate::bedrock) type Connector =
    BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// A connector with the system's trusted certificates. `limit` is the total time for DNS, TCP and
/// TLS.
pub(in crate::bedrock) fn connector(limit: Duration) -> io::Result<Connector> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    // Shared by all addresses of a name, so that an unreachable address leaves time for the others.
    tcp.set_connect_timeout(Some(limit));
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    let tls = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(trusted()?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Ok(BoxCloneSyncService::new(Timeout::new(tls, limit)))
}

/// Whether another connection attempt would fail the same way: the certificate is not trusted, or
/// the TLS versions do not match.
pub(in crate::bedrock) fn is_untrusted(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(
            error,
            rustls::Error::InvalidCertificate(_)
                | rustls::Error::InvalidCertRevocationList(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::UnsupportedNameType
                | rustls::Error::PeerIncompatible(_)
                | rustls::Error::InvalidMessage(_)
        );
    }
    // `source` of an `io::Error` skips the wrapped error, and returns that error's source.
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => is_untrusted(wrapped),
        None => error.source().is_some_and(is_untrusted),
    }
}
