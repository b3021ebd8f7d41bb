//! Requests at a constant rate, whatever their responses take, as many independent clients send
//! them.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Connection, PATIENCE};
use crate::Outcome;
use crate::exchange::Exchange;

/// Each connection sends a request at this interval: longer than a response takes, so that requests
/// are sent when they are due.
const PERIOD: Duration = Duration::from_secs(1);

/// The latencies of the requests that were due within the measurement, sorted: from the time at which
/// a request was due to the last byte of its response.
#[derive(Default)]
pub(crate) struct OfferedLoad {
    pub(crate) served: Vec<Duration>,
    /// Of the requests refused with 429.
    pub(crate) refused: Vec<Duration>,
}

impl OfferedLoad {
    /// Sends `per_second` requests in a second for this long, after a period in which queues fill.
    pub(crate) async fn measure(
        address: SocketAddr,
        exchange: &Exchange,
        per_second: u32,
        time: Duration,
    ) -> Outcome<Self> {
        let mut connections = Vec::new();
        for _ in 0..per_second {
            connections.push(Connection::open(address).await?);
        }
        let warm_up = Instant::now();
        let start = warm_up + PERIOD;
        let mut tasks = JoinSet::new();
        let mut first_due = warm_up;
        for connection in connections {
            let requests = Requests {
                connection,
                exchange: exchange.clone(),
                first_due,
                start,
                end: start + time,
            };
            tasks.spawn(requests.send());
            first_due += PERIOD / per_second;
        }
        let mut all = Self::default();
        while let Some(finished) = tasks.join_next().await {
            let Self { served, refused } = finished??;
            all.served.extend(served);
            all.refused.extend(refused);
        }
        all.served.sort_unstable();
        all.refused.sort_unstable();
        Ok(all)
    }
}

/// The requests of a connection.
struct Requests {
    connection: Connection,
    exchange: Exchange,
    first_due: Instant,
    start: Instant,
    end: Instant,
}

impl Requests {
    async fn send(mut self) -> Outcome<OfferedLoad> {
        let mut latencies = OfferedLoad::default();
        let mut due = self.first_due;
        while due < self.end {
            tokio::time::sleep_until(due).await;
            let status = tokio::time::timeout(PATIENCE, self.send_one());
            let status = status.await.map_err(|_| "a response timed out")??;
            if due >= self.start {
                match status {
                    StatusCode::OK => &mut latencies.served,
                    _ => &mut latencies.refused,
                }
                .push(due.elapsed());
            }
            due += PERIOD;
        }
        Ok(latencies)
    }

    /// The status of a request whose response was complete. Other errors than 429 end the
    /// measurement.
    async fn send_one(&mut self) -> Outcome<StatusCode> {
        let response = self.connection.response(&self.exchange).await?;
        let status = response.status();
        let body: Bytes = response.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK && status != StatusCode::TOO_MANY_REQUESTS {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("{} returned {status}: {text}", self.exchange.path).into());
        }
        Ok(status)
    }
}
