//! The load generator: each connection sends a request, reads the complete response, and repeats.
//! `paced` reads streams that take longer than a measurement; `offered` sends at a constant rate.

mod offered;
mod paced;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::exchange::Exchange;

pub(crate) use offered::OfferedLoad;
pub(crate) use paced::PacedStreams;

/// Maximum number of requests per connection and run.
const MAX_REQUESTS: usize = 200_000;

/// Timeout of one response.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shorter response is an error: the requested text alone has 600 bytes.
const MIN_RESPONSE_SIZE: usize = 600;

/// Results of a run.
pub(crate) struct Run {
    /// Duration of the run.
    pub(crate) elapsed: Duration,
    /// Duration of each request, from its first byte to the response's last; sorted.
    pub(crate) latencies: Vec<Duration>,
}

/// A keep-alive connection. Dropping it closes it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// A stream that has started. Dropping it closes the connection.
pub(crate) struct OpenStream {
    _connection: Connection,
    _body: Incoming,
}

/// Connections that send requests at the same time.
pub(crate) struct Load {
    connections: Vec<Connection>,
}

impl Load {
    pub(crate) async fn open(address: SocketAddr, connections: usize) -> Outcome<Self> {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(Connection::open(address).await?);
        }
        Ok(Self {
            connections: opened,
        })
    }

    /// Sends `exchange` repeatedly on each connection for this long. The first unexpected response
    /// is an error: otherwise fast error responses would improve the result.
    pub(crate) async fn run(&mut self, exchange: &Exchange, time: Duration) -> Outcome<Run> {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for mut connection in self.connections.drain(..) {
            let exchange = exchange.clone();
            tasks.spawn(async move {
                let latencies = connection.run_until(&exchange, started + time).await?;
                Outcome::Ok((connection, latencies))
            });
        }
        let mut latencies = Vec::new();
        while let Some(finished) = tasks.join_next().await {
            let (connection, of_connection) = finished??;
            self.connections.push(connection);
            latencies.extend(of_connection);
        }
        let elapsed = started.elapsed();
        latencies.sort_unstable();
        Ok(Run { elapsed, latencies })
    }
}

/// Opens this many streams one after the other, each on its own connection, and reads the first
/// bytes of each.
pub(crate) async fn open_streams(
    address: SocketAddr,
    exchange: &Exchange,
    count: usize,
) -> Outcome<Vec<OpenStream>> {
    let mut streams = Vec::with_capacity(count);
    for _ in 0..count {
        let opened = tokio::time::timeout(PATIENCE, open_stream(address, exchange));
        streams.push(opened.await.map_err(|_| "a stream did not start")??);
    }
    Ok(streams)
}

async fn open_stream(address: SocketAddr, exchange: &Exchange) -> Outcome<OpenStream> {
    let mut connection = Connection::open(address).await?;
    let mut body = connection.send(exchange).await?;
    body.frame().await.ok_or("a stream ended at once")??;
    Ok(OpenStream {
        _connection: connection,
        _body: body,
    })
}

impl Connection {
    /// A connection that has sent a request and read its response.
    pub(crate) async fn after_request(address: SocketAddr, exchange: &Exchange) -> Outcome<Self> {
        let mut connection = Self::open(address).await?;
        connection.run(exchange).await?;
        Ok(connection)
    }

    async fn open(address: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move { connection.await.is_ok() });
        Ok(Self {
            sender,
            host: address.to_string(),
        })
    }

    async fn run_until(&mut self, exchange: &Exchange, end: Instant) -> Outcome<Vec<Duration>> {
        let mut latencies = Vec::new();
        while latencies.len() < MAX_REQUESTS {
            let started = Instant::now();
            if started >= end {
                break;
            }
            let response_read = tokio::time::timeout(PATIENCE, self.run(exchange));
            let length = response_read.await.map_err(|_| "a response timed out")??;
            if length < MIN_RESPONSE_SIZE {
                return Err(format!("{} returned only {length} bytes", exchange.path).into());
            }
            latencies.push(started.elapsed());
        }
        Ok(latencies)
    }

    /// Reads the complete response and returns its length.
    async fn run(&mut self, exchange: &Exchange) -> Outcome<usize> {
        let mut body = self.send(exchange).await?;
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(length)
    }

    /// The response to a request; a status other than 2xx is an error.
    async fn send(&mut self, exchange: &Exchange) -> Outcome<Incoming> {
        let response = self.response(exchange).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response.into_body());
        }
        let body = response.into_body().collect().await?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        Err(format!("{} returned {status}: {text}", exchange.path).into())
    }

    async fn response(&mut self, exchange: &Exchange) -> Outcome<Response<Incoming>> {
        let request = Request::post(exchange.path.as_str())
            .header(HOST, self.host.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", exchange.key))
            .body(Full::new(exchange.body.clone()))?;
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}
