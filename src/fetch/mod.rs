//! Downloads images and PDFs that requests reference by an `https:` URL, since Bedrock does not.
//!
//! Clients choose the URL and the gateway is in a private network, so everything is checked (SSRF):
//! the parsed URL (`target`), every resolved address (`address`), the connection to a checked
//! address (`exchange`), and again for each redirect (`download`). Sizes, times and counts are
//! limited.

mod address;
mod download;
mod error;
mod exchange;
mod network;
mod remote;
mod target;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_rustls::rustls::ClientConfig;

use crate::config::FetchSettings;
use crate::resources::body_memory::FileMemory;
use crate::resources::certificates::trusted;
use download::{Allowance, download};
use error::Problem;
use exchange::ServerConnector;
use target::FetchTarget;

pub use error::{FetchError, FetchErrorKind};
pub use network::{Network, SystemNetwork};

/// Downloads files.
#[derive(Debug)]
pub struct Fetcher {
    settings: FetchSettings,
    network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
    /// Slots for concurrent downloads of all requests.
    slots: Arc<Semaphore>,
    /// Slots of each caller. Entries without downloads are evicted when there are many.
    callers: Arc<Mutex<HashMap<Box<str>, Arc<Semaphore>>>>,
}

/// The maximum number of callers before entries without downloads are evicted.
const MAX_IDLE_CALLERS: usize = 1024;

/// A downloaded file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// The content.
    pub bytes: Bytes,
    /// The content type from the server, which may be wrong.
    pub content_type: Option<String>,
}

impl Fetcher {
    /// A fetcher with the network of this process and the system's trusted certificates.
    pub fn new(settings: &FetchSettings) -> io::Result<Self> {
        let network = Arc::new(SystemNetwork::default());
        Ok(Self::within(settings, network, trusted()?))
    }

    /// A fetcher with another network and other trusted certificates.
    pub fn within(
        settings: &FetchSettings,
        network: Arc<dyn Network>,
        mut tls: ClientConfig,
    ) -> Self {
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self {
            settings: settings.clone(),
            network,
            tls: Arc::new(tls),
            slots: Arc::new(Semaphore::new(settings.max_concurrent_downloads)),
            callers: Arc::default(),
        }
    }

    /// The same fetcher with other settings. Downloads in progress count towards limits that stay
    /// the same.
    pub fn reconfigured(&self, settings: &FetchSettings) -> Self {
        let old = &self.settings;
        let keeps_slots = old.max_concurrent_downloads == settings.max_concurrent_downloads;
        let keeps_callers =
            old.max_concurrent_downloads_per_caller == settings.max_concurrent_downloads_per_caller;
        Self {
            settings: settings.clone(),
            network: Arc::clone(&self.network),
            tls: Arc::clone(&self.tls),
            slots: match keeps_slots {
                true => Arc::clone(&self.slots),
                false => Arc::new(Semaphore::new(settings.max_concurrent_downloads)),
            },
            callers: match keeps_callers {
                true => Arc::clone(&self.callers),
                false => Arc::default(),
            },
        }
    }

    /// Downloads all URLs of a request of `caller`, within `memory` if given, and returns the files
    /// in order. Duplicate URLs are downloaded once. The error is that of the first failed URL; it
    /// cancels the other downloads, as does dropping the future.
    pub async fn fetch_all(
        &self,
        caller: &str,
        addresses: &[String],
        memory: Option<&FileMemory>,
    ) -> Result<Vec<RemoteFile>, FetchError> {
        let DownloadList { targets, indices } = self.downloads(addresses)?;
        let own = &self.caller_slots(caller);
        let allowance = &Allowance::new(self.settings.max_total_size, memory);
        let files: Vec<RemoteFile> = stream::iter(targets)
            .map(async |(position, target): (usize, FetchTarget)| {
                let file = self.fetch(&target, allowance, own).await;
                file.map_err(|problem| problem.at(position))
            })
            .buffered(self.settings.concurrency)
            .try_collect()
            .await?;
        let file = |index: &usize| files.get(*index).cloned();
        Ok(indices.iter().filter_map(file).collect())
    }

    /// Parses and checks the URLs, without network access.
    fn downloads(&self, addresses: &[String]) -> Result<DownloadList, FetchError> {
        let mut list = DownloadList::default();
        for (position, address) in addresses.iter().enumerate() {
            if !self.settings.enabled {
                return Err(disabled().at(position));
            }
            let target = FetchTarget::parse(address, &self.settings)
                .map_err(|problem| problem.at(position))?;
            let is_same = |(_, other): &(usize, FetchTarget)| other.url == target.url;
            let index = match list.targets.iter().position(is_same) {
                Some(index) => index,
                None if list.targets.len() == self.settings.max_count => {
                    return Err(too_many(self.settings.max_count).at(position));
                }
                None => {
                    list.targets.push((position, target));
                    list.targets.len() - 1
                }
            };
            list.indices.push(index);
        }
        Ok(list)
    }

    /// Downloads one file within its timeout, which includes the wait for a slot.
    async fn fetch(
        &self,
        target: &FetchTarget,
        allowance: &Allowance<'_>,
        own: &Semaphore,
    ) -> Result<RemoteFile, Problem> {
        let connector = ServerConnector {
            network: self.network.as_ref(),
            tls: &self.tls,
            settings: &self.settings,
        };
        let deadline = Instant::now() + self.settings.timeout;
        let slots = async {
            // The caller's slot first, so that a caller that waits for its own slots holds none of
            // the shared ones. The semaphores are never closed; if they were, nothing would be
            // downloaded without limits.
            let own = own.acquire().await.map_err(|_| disabled())?;
            let slot = self.slots.acquire().await.map_err(|_| disabled())?;
            Ok((own, slot))
        };
        let _slots = tokio::time::timeout_at(deadline, slots)
            .await
            .unwrap_or_else(|_| Err(busy(target)))?;
        match tokio::time::timeout_at(deadline, download(connector, target, allowance)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                FetchErrorKind::Timeout,
                format!(
                    "the download from `{}` timed out after {:?}; try again, or send the file as a data URL",
                    target.host, self.settings.timeout
                ),
            )),
        }
    }
}

impl Fetcher {
    fn caller_slots(&self, caller: &str) -> Arc<Semaphore> {
        let mut callers = self.callers.lock();
        if let Some(slots) = callers.get(caller) {
            return Arc::clone(slots);
        }
        if callers.len() >= MAX_IDLE_CALLERS {
            callers.retain(|_, slots| Arc::strong_count(slots) > 1);
        }
        let max = self.settings.max_concurrent_downloads_per_caller;
        let slots = Arc::new(Semaphore::new(max));
        callers.insert(caller.into(), Arc::clone(&slots));
        slots
    }
}

/// The downloads of a request.
#[derive(Debug, Default)]
struct DownloadList {
    /// Each distinct URL with its first index in the request.
    targets: Vec<(usize, FetchTarget)>,
    /// For each URL of the request, the index of its target.
    indices: Vec<usize>,
}

fn busy(target: &FetchTarget) -> Problem {
    Problem::new(
        FetchErrorKind::Busy,
        format!(
            "cannot download the file from `{}`: too many concurrent downloads; try again in a \
            moment, or send the file as a data URL",
            target.host
        ),
    )
}

fn disabled() -> Problem {
    Problem::new(
        FetchErrorKind::Disabled,
        "this gateway does not download files; send the file as a data URL",
    )
}

fn too_many(max: usize) -> Problem {
    Problem::new(
        FetchErrorKind::TooMany,
        format!(
            "the request has more than {max} file URLs, the maximum of this gateway; send the others \
            as data URLs"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use futures_util::future::BoxFuture;
    use tokio::net::TcpStream;
    use tokio_rustls::rustls::RootCertStore;

    use super::*;

    /// A network without connections.
    #[derive(Debug)]
    struct NoNetwork;

    impl Network for NoNetwork {
        fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
            Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
        }

        fn connect(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
            Box::pin(async { Err(io::ErrorKind::NotFound.into()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_gets_no_slot_in_time_reports_the_gateway_busy() {
        let tls = ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let settings = FetchSettings {
            max_concurrent_downloads: 1,
            max_concurrent_downloads_per_caller: 1,
            ..FetchSettings::default()
        };
        let fetcher = Fetcher::within(&settings, Arc::new(NoNetwork), tls);
        let addresses = ["https://example.com/".to_owned()];
        let kind = async |caller| {
            let fetched = fetcher.fetch_all(caller, &addresses, None).await;
            fetched.expect_err("no file").kind
        };
        let own = fetcher.caller_slots("one");
        let slot = own.acquire().await;
        assert_eq!(kind("one").await, FetchErrorKind::Busy);
        assert_eq!(kind("other").await, FetchErrorKind::NotAllowed);
        drop(slot);
        assert_eq!(kind("one").await, FetchErrorKind::NotAllowed);
        let _all = fetcher.slots.acquire().await;
        assert_eq!(kind("one").await, FetchErrorKind::Busy);
    }

    #[tokio::test(start_paused = true)]
    async fn downloads_in_progress_count_after_a_change_of_other_settings() {
        let tls = ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let mut settings = FetchSettings {
            max_concurrent_downloads: 1,
            ..FetchSettings::default()
        };
        let fetcher = Fetcher::within(&settings, Arc::new(NoNetwork), tls);
        let kind = async |fetcher: &Fetcher| {
            let addresses = ["http://example.com/".to_owned()];
            let fetched = fetcher.fetch_all("one", &addresses, None).await;
            fetched.expect_err("no file").message
        };
        let _slot = fetcher.slots.acquire().await;
        settings.allow_http = true;
        let other = fetcher.reconfigured(&settings);
        assert!(kind(&fetcher).await.contains("`http:` URLs"));
        assert!(kind(&other).await.contains("too many concurrent"));
        settings.max_concurrent_downloads = 2;
        let more = other.reconfigured(&settings);
        assert!(kind(&more).await.contains("not a public host"));
    }
}
