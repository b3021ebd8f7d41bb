//! The HTTP server: runtimes, connections, routes and what surrounds them, and the state of the
//! application.

pub mod clients;
pub mod pages;

mod connection;
mod cores;
mod listener;
mod middleware;
mod reload;
mod respond;
mod router;
mod service;
mod state;

pub use clients::paths::ClientPath;
pub use connection::descriptors::raise_descriptor_limit;
pub use connection::entry::Peer;
pub(crate) use connection::entry::check as check_entry;
pub use cores::{Cores, ServerLoad};
pub use listener::serve;
pub use middleware::Router;
pub use reload::{ConfigSource, ReloadHandle, Reloader};
pub use service::HttpService;
pub use state::{App, StartError};
