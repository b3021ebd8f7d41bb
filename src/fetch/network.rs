use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// DNS and TCP for the fetcher. Resolving and connecting are separate: the fetcher checks the
/// addresses between them and connects to a checked one, whatever the name resolves to later.
pub trait Network: fmt::Debug + Send + Sync {
    /// Resolves a name to all its addresses.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;

    /// Connects to this address only.
    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>>;
}

/// The network and the resolver of the system.
#[derive(Debug)]
pub struct SystemNetwork {
    lookups: Arc<Semaphore>,
}

/// The maximum number of concurrent lookups. A lookup of the system blocks a shared thread and
/// cannot be cancelled.
const MAX_LOOKUPS: usize = 64;

impl Default for SystemNetwork {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }
    }
}

impl Network for SystemNetwork {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let permit = Arc::clone(&self.lookups).acquire_owned().await;
            let name = name.to_owned();
            let lookup = move || {
                let _permit = permit;
                // `to_socket_addrs` needs a port.
                let addresses = (name.as_str(), 0).to_socket_addrs()?;
                Ok(addresses.map(|address| address.ip()).collect())
            };
            tokio::task::spawn_blocking(lookup).await?
        })
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        Box::pin(TcpStream::connect(address))
    }
}
