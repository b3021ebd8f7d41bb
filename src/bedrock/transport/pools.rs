//! The pools of connections to Bedrock.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use parking_lot::RwLock;
use tokio::runtime::{Handle, Id};

use super::connect::{Connector, connector};

/// The read buffer of a connection. It is the memory cost of a stream whose client does not read;
/// hyper's default is 400 KB.
const MAX_READ_AHEAD: usize = 64 << 10;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

type Pool = Arc<Client<Connector, Full<Bytes>>>;

/// A pool for each runtime of the process: the task of a connection belongs to the runtime that has
/// opened it, and a request that uses one of another runtime would change threads with each event.
#[derive(Debug)]
pub(super) struct Pools {
    connector: Connector,
    pools: RwLock<HashMap<Id, Pool>>,
}

impl Pools {
    /// `connect_timeout` is the total time for DNS, TCP and TLS.
    pub(super) fn new(connect_timeout: Duration) -> io::Result<Self> {
        Ok(Self {
            connector: connector(connect_timeout)?,
            pools: RwLock::default(),
        })
    }

    /// The pool of the current runtime.
    pub(super) fn current(&self) -> Pool {
        let id = Handle::current().id();
        let known = self.pools.read().get(&id).cloned();
        known.unwrap_or_else(|| {
            let mut pools = self.pools.write();
            Arc::clone(pools.entry(id).or_insert_with(|| Arc::new(self.pool())))
        })
    }

    fn pool(&self) -> Client<Connector, Full<Bytes>> {
        Client::builder(TokioExecutor::new())
            .http1_max_buf_size(MAX_READ_AHEAD)
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(self.connector.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_runtime_has_one_pool() {
        let pools = Pools::new(Duration::from_secs(1)).expect("certificates");
        let runtimes = [(); 2].map(|()| {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            runtime.expect("a runtime")
        });
        let [one, other] = runtimes.map(|runtime| {
            let again = runtime.block_on(async { [pools.current(), pools.current()] });
            let [first, second] = again;
            assert!(Arc::ptr_eq(&first, &second));
            first
        });
        assert!(!Arc::ptr_eq(&one, &other));
    }
}
