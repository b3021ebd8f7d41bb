//! Loads the keys of an identity provider: its metadata, if they are to name the address of the keys,
//! and the JWK set.
//!
//! The operator chooses the provider, so that private addresses are allowed; the metadata services
//! of clouds are not. Sizes and times are limited.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio_rustls::rustls::ClientConfig;
use url::Url;

use super::key_cache::KeySource;
use super::keys::KeySet;
use crate::config::{FetchSettings, JwtIssuer, provider_url};
use crate::fetch::{Fetcher, Network, SystemNetwork};
use crate::resources::certificates::trusted;

/// The maximum size of a response. Providers' have a few kilobytes.
const MAX_SIZE: usize = 512 << 10;

/// Timeout for a connection, and for a response.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(5);

/// The path of the metadata (OpenID Connect Discovery 1.0, section 4).
const METADATA: &str = "/.well-known/openid-configuration";

/// An identity provider.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    jwks_url: Option<String>,
    network: Arc<dyn Network>,
    tls: ClientConfig,
}

/// The part of the metadata that is needed.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

impl Provider {
    /// The provider of `settings`, with the network of this process.
    pub(super) fn new(settings: &JwtIssuer) -> io::Result<Self> {
        Ok(Self {
            issuer: settings.issuer.clone(),
            jwks_url: settings.jwks_url.clone(),
            network: Arc::new(SystemNetwork::default()),
            tls: trusted()?,
        })
    }

    async fn load_keys(&self) -> Result<KeySet, String> {
        let address = match &self.jwks_url {
            Some(address) => address.clone(),
            None => self.discover().await?,
        };
        let json = self.get(&address).await?;
        KeySet::parse(&json).map_err(|error| format!("`{address}`: {error}"))
    }

    /// The address of the keys, from the provider's metadata.
    async fn discover(&self) -> Result<String, String> {
        let address = format!("{}{METADATA}", self.issuer.trim_end_matches('/'));
        let json = self.get(&address).await?;
        let metadata: Metadata = serde_json::from_slice(&json)
            .map_err(|error| format!("`{address}` is not provider metadata: {error}"))?;
        if metadata.issuer != self.issuer {
            return Err(format!(
                "`{address}` is the metadata of another issuer, `{}`; set `issuer` to it",
                metadata.issuer
            ));
        }
        Ok(metadata.jwks_uri)
    }

    async fn get(&self, address: &str) -> Result<Bytes, String> {
        let url = provider_url(address).map_err(|remedy| format!("`{address}`: {remedy}"))?;
        let fetcher = Fetcher::within(&settings(&url), Arc::clone(&self.network), self.tls.clone());
        let fetched = fetcher.fetch_all("", &[url.into()], None).await;
        let files = fetched.map_err(|error| format!("`{address}`: {:?}", error.kind))?;
        let file = files.into_iter().next();
        file.map(|file| file.bytes)
            .ok_or_else(|| format!("`{address}`: no response"))
    }
}

/// The rules for a response of the provider, which are not those of clients' URLs.
fn settings(url: &Url) -> FetchSettings {
    FetchSettings {
        enabled: true,
        max_size: MAX_SIZE,
        max_total_size: MAX_SIZE,
        connect_timeout: CONNECT_TIMEOUT,
        timeout: TIMEOUT,
        max_redirects: 0,
        // `provider_url` allows it on loopback only.
        allow_http: url.scheme() == "http",
        allowed_ports: url.port().into_iter().collect(),
        private_networks: true,
        ..FetchSettings::default()
    }
}

impl KeySource for Provider {
    fn load(&self) -> BoxFuture<'_, Result<KeySet, String>> {
        Box::pin(self.load_keys())
    }
}
