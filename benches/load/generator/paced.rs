//! Reads many streams whose events come at a model's pace, and measures the delay of each event.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Connection, PATIENCE};
use crate::Outcome;
use crate::exchange::Exchange;

/// Streams are opened one after the other at this interval.
const OPENING: Duration = Duration::from_millis(1);

/// Time between the last opening and the measurement.
const SETTLE: Duration = Duration::from_millis(500);

/// Open streams that measure between two points in time.
pub(crate) struct PacedStreams {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    readers: JoinSet<Outcome<Vec<Duration>>>,
}

impl PacedStreams {
    /// Begins to open the streams; `start` is after the last one, `end` this time later.
    pub(crate) fn open(
        address: SocketAddr,
        exchange: &Exchange,
        count: usize,
        time: Duration,
    ) -> Outcome<Self> {
        let now = Instant::now();
        let start = now + OPENING * u32::try_from(count)? + SETTLE;
        let end = start + time;
        let mut readers = JoinSet::new();
        let mut opening = now;
        for _ in 0..count {
            let exchange = exchange.clone();
            readers.spawn(async move {
                tokio::time::sleep_until(opening).await;
                let read = read(address, &exchange, start, end);
                let within = tokio::time::timeout_at(end + PATIENCE, read);
                within.await.map_err(|_| "a paced stream stalled")?
            });
            opening += OPENING;
        }
        Ok(Self {
            start,
            end,
            readers,
        })
    }

    /// The delay of each event between start and end, sorted.
    pub(crate) async fn delays(mut self) -> Outcome<Vec<Duration>> {
        let mut delays = Vec::new();
        while let Some(finished) = self.readers.join_next().await {
            delays.extend(finished??);
        }
        delays.sort_unstable();
        Ok(delays)
    }
}

async fn read(
    address: SocketAddr,
    exchange: &Exchange,
    start: Instant,
    end: Instant,
) -> Outcome<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut body = connection.send(exchange).await?;
    if Instant::now() > start {
        return Err(
            "the streams could not be opened in time: use fewer (`--paced-streams`)".into(),
        );
    }
    let mut stamps = Stamps::default();
    let mut delays = Vec::new();
    loop {
        let frame = body.frame().await.ok_or("a paced stream ended early")??;
        let now = Instant::now();
        if now >= end {
            return Ok(delays);
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let data = frame.into_data().unwrap_or_default();
        for sent in stamps.read(&data) {
            let delay = since_1970.checked_sub(sent);
            let delay = delay.ok_or("the clock was set back during the measurement")?;
            if now >= start {
                delays.push(delay);
            }
        }
    }
}

/// Finds the times that the simulator writes into deltas: microseconds since 1970, as
/// `[1764000000123456]`. They look the same in every format of a stream.
#[derive(Default)]
struct Stamps {
    /// The end of what was read, if it may be the beginning of a stamp.
    rest: Vec<u8>,
}

impl Stamps {
    const DIGITS: usize = 16;

    /// The times in `data`, which follows what was read before.
    fn read(&mut self, data: &[u8]) -> Vec<Duration> {
        self.rest.extend_from_slice(data);
        let mut times = Vec::new();
        let mut unread = self.rest.as_slice();
        while let Some(bracket) = memchr::memchr(b'[', unread) {
            let from_bracket = unread.get(bracket..).unwrap_or_default();
            // The bracket, the digits, the closing bracket.
            let Some(stamp) = from_bracket.get(..Self::DIGITS + 2) else {
                let rest = from_bracket.to_vec();
                self.rest = rest;
                return times;
            };
            times.extend(time(stamp));
            unread = from_bracket.get(1..).unwrap_or_default();
        }
        self.rest.clear();
        times
    }
}

/// The time of a stamp; `None` if the bytes are not a stamp.
fn time(stamp: &[u8]) -> Option<Duration> {
    let digits = stamp.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let digits = std::str::from_utf8(digits).ok()?;
    digits.parse().ok().map(Duration::from_micros)
}
