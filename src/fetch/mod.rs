//! Pictures and PDFs that requests point to with an `https:` address: Bedrock does not fetch them,
//! so the gateway does.
//!
//! A client chooses the address and the gateway stands in a private network, so nothing is taken on
//! trust: the address is read by a reader of URLs (`target`), a name is resolved once and every
//! answer is checked (`address`), the connection goes to an address that was checked
//! (`exchange`), and all of this again for each redirect (`download`). Sizes, times and counts
//! are bounded.

mod address;
mod download;
mod error;
mod exchange;
mod hosts;
mod network;
mod target;

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hyper_rustls::ConfigBuilderExt;
use tokio::sync::Semaphore;
use tokio_rustls::rustls::ClientConfig;

use crate::config::FetchSettings;
use download::{Allowance, download};
use error::Problem;
use exchange::Way;
use target::Target;

pub use error::{FetchError, FetchErrorKind};
pub use hosts::HostPattern;
pub use network::{Network, SystemNetwork};

/// The gateway's own downloader.
#[derive(Debug)]
pub struct Fetcher {
    settings: FetchSettings,
    network: Arc<dyn Network>,
    tls: Arc<ClientConfig>,
    /// Places for downloads under way, of all requests.
    places: Semaphore,
}

/// A file as its server gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The whole of it.
    pub bytes: Bytes,
    /// What the server calls it, which need not be what it is.
    pub content_type: Option<String>,
}

impl Fetcher {
    /// A fetcher in the network of this process that trusts the certificates its system trusts.
    pub fn new(settings: &FetchSettings) -> io::Result<Self> {
        let tls = ClientConfig::builder()
            .with_native_roots()?
            .with_no_client_auth();
        Ok(Self::within(
            settings,
            Arc::new(SystemNetwork::default()),
            tls,
        ))
    }

    /// A fetcher in another network, which trusts others.
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
            places: Semaphore::new(settings.downloads_under_way),
        }
    }

    /// Fetches all `addresses` of one request and gives the files in their order. An address that
    /// is there twice is fetched once. Where several fail, the error is the first one's; with it,
    /// and when the future is dropped, the downloads under way end.
    pub async fn fetch_all(&self, addresses: &[String]) -> Result<Vec<Fetched>, FetchError> {
        let Plan { targets, places } = self.plan(addresses)?;
        let allowance = &Allowance::new(self.settings.max_total_size);
        let files: Vec<Fetched> = stream::iter(targets)
            .map(async |(position, target): (usize, Target)| {
                let file = self.fetch(&target, allowance).await;
                file.map_err(|problem| problem.at(position))
            })
            .buffered(self.settings.concurrency)
            .try_collect()
            .await?;
        let file = |place: &usize| files.get(*place).cloned();
        Ok(places.iter().filter_map(file).collect())
    }

    /// Reads the addresses, before the network is asked anything.
    fn plan(&self, addresses: &[String]) -> Result<Plan, FetchError> {
        let mut plan = Plan::default();
        for (position, address) in addresses.iter().enumerate() {
            if !self.settings.enabled {
                return Err(disabled().at(position));
            }
            let target =
                Target::parse(address, &self.settings).map_err(|problem| problem.at(position))?;
            let is_same = |(_, known): &(usize, Target)| known.url == target.url;
            let place = match plan.targets.iter().position(is_same) {
                Some(place) => place,
                None if plan.targets.len() == self.settings.max_count => {
                    return Err(too_many(self.settings.max_count).at(position));
                }
                None => {
                    plan.targets.push((position, target));
                    plan.targets.len() - 1
                }
            };
            plan.places.push(place);
        }
        Ok(plan)
    }

    /// Fetches one file within its time, the wait for a place included.
    async fn fetch(&self, target: &Target, allowance: &Allowance) -> Result<Fetched, Problem> {
        let way = Way {
            network: self.network.as_ref(),
            tls: &self.tls,
            settings: &self.settings,
        };
        let fetching = async {
            // The semaphore is never closed; without it nothing is bounded, so nothing is fetched.
            let _place = self.places.acquire().await.map_err(|_| disabled())?;
            download(way, target, allowance).await
        };
        match tokio::time::timeout(self.settings.timeout, fetching).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(
                FetchErrorKind::Timeout,
                format!(
                    "the file at `{}` was not there after {:?}; try again, or send it as a data URL",
                    target.host, self.settings.timeout
                ),
            )),
        }
    }
}

/// What is to be fetched.
#[derive(Debug, Default)]
struct Plan {
    /// Each distinct address, with its first position among those of the request.
    targets: Vec<(usize, Target)>,
    /// For each address of the request, which target it is.
    places: Vec<usize>,
}

fn disabled() -> Problem {
    Problem::new(
        FetchErrorKind::Disabled,
        "this gateway fetches no files; send the file as a data URL",
    )
}

fn too_many(most: usize) -> Problem {
    Problem::new(
        FetchErrorKind::TooMany,
        format!(
            "the request points to more than {most} files, the most that this gateway fetches for \
             one; send the others as data URLs"
        ),
    )
}
