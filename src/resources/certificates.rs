//! The system's trusted certificates.

use std::io;

use hyper_rustls::ConfigBuilderExt;
use parking_lot::Mutex;
use tokio_rustls::rustls::ClientConfig;

/// Reading and parsing the certificates takes milliseconds: they are loaded once and shared.
static LOADED: Mutex<Option<ClientConfig>> = Mutex::new(None);

/// A TLS client that trusts the system's certificates.
pub fn trusted() -> io::Result<ClientConfig> {
    let mut loaded = LOADED.lock();
    if let Some(config) = &*loaded {
        return Ok(config.clone());
    }
    let builder = ClientConfig::builder().with_native_roots()?;
    let config = builder.with_no_client_auth();
    Ok(loaded.insert(config).clone())
}
