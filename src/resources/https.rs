//! A client for HTTP and HTTPS that trusts the system's certificates. It follows no redirects.

use std::io;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::certificates::trusted;

/// The client.
pub type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client without connections.
pub fn https_client() -> io::Result<HttpsClient> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(trusted()?)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
