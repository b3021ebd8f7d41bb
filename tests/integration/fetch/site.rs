//! A server that misbehaves on command, and a network with configurable DNS.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use outcrop::config::FetchSettings;
use outcrop::fetch::{Fetcher, Network};
use rcgen::CertifiedKey;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

/// How the server responds to a request.
pub enum Reply {
    /// Writes this and closes the connection.
    Bytes(Vec<u8>),
    /// Writes this and then waits until the client disconnects.
    Stall(String),
    /// Writes the first text, then repeats the second until the client disconnects.
    Endless(&'static str, &'static str),
}

impl Reply {
    pub fn bytes(text: &str) -> Self {
        Self::Bytes(text.into())
    }

    pub fn file(body: &str) -> Self {
        Self::binary(body.as_bytes())
    }

    pub fn binary(body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {length}\r\n\r\n"
        );
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub fn status(status: u16, fields: &str) -> Self {
        Self::bytes(&format!(
            "HTTP/1.1 {status} Status\r\n{fields}connection: close\r\n\r\n"
        ))
    }

    pub fn redirect(location: &str) -> Self {
        Self::status(302, &format!("location: {location}\r\n"))
    }
}

/// The server and its network, in which `example.com` resolves to a public address.
pub struct Site {
    pub address: SocketAddr,
    server: Arc<Server>,
    network: Arc<SiteNetwork>,
    trust: ClientConfig,
}

impl Site {
    /// A server whose response depends on the path.
    pub async fn start(respond: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(respond, 1).await
    }

    /// A server that responds with the path once `together` requests have arrived.
    pub async fn meeting(together: usize) -> Self {
        Self::with(Reply::file, together).await
    }

    async fn with(
        respond: impl Fn(&str) -> Reply + Send + Sync + 'static,
        together: usize,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, trust) = tls();
        let server = Arc::new(Server {
            respond: Box::new(respond),
            acceptor,
            unresponsive: AtomicBool::new(false),
            meeting: Barrier::new(together),
            requests: Mutex::default(),
            stalled: watch::Sender::new(0),
            ended: watch::Sender::new(0),
        });
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&accepting);
                // Some tests have the client close the connection.
                tokio::spawn(async move { drop(server.serve(stream).await) });
            }
        });
        let network = Arc::new(SiteNetwork {
            server: address,
            names: Mutex::default(),
            stalled: Mutex::default(),
            dead: Mutex::default(),
            queries: Mutex::default(),
            connections: Mutex::default(),
        });
        let site = Self {
            address,
            server,
            network,
            trust,
        };
        site.named("example.com", &[&[super::PUBLIC]])
    }

    /// Adds a name with the answer to each query; the last answer repeats.
    pub fn named(self, name: &str, addresses: &[&[&str]]) -> Self {
        let parse = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        let addresses = addresses.iter().map(parse).collect();
        let mut names = self.network.names.lock().unwrap();
        names.insert(name.to_owned(), addresses);
        drop(names);
        self
    }

    /// Adds a name whose queries get no answer.
    pub fn stalled(self, name: &str) -> Self {
        self.network.stalled.lock().unwrap().push(name.to_owned());
        self
    }

    /// Refuses connections to `address`.
    pub fn without(self, address: &str) -> Self {
        let address = address.parse().unwrap();
        self.network.dead.lock().unwrap().push(address);
        self
    }

    /// Makes the server accept connections and send nothing.
    pub fn unresponsive(self) -> Self {
        self.server.unresponsive.store(true, Ordering::SeqCst);
        self
    }

    /// A fetcher in this network that trusts the server's certificate.
    pub fn fetcher(&self, settings: &FetchSettings) -> Fetcher {
        let network = Arc::clone(&self.network) as Arc<dyn Network>;
        Fetcher::within(settings, network, self.trust.clone())
    }

    /// The queried names.
    pub fn queries(&self) -> Vec<String> {
        self.network.queries.lock().unwrap().clone()
    }

    /// The addresses of the connections.
    pub fn connections(&self) -> Vec<String> {
        self.network.connections.lock().unwrap().clone()
    }

    /// The heads of the received requests.
    pub fn requests(&self) -> Vec<String> {
        self.server.requests.lock().unwrap().clone()
    }

    /// Waits until the server has stalled this many connections.
    pub async fn wait_for_stalled_connections(&self, count: usize) {
        wait_for_count(&self.server.stalled, count).await;
    }

    /// Waits until the client has ended this many connections.
    pub async fn wait_for_ended_connections(&self, count: usize) {
        wait_for_count(&self.server.ended, count).await;
    }
}

async fn wait_for_count(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let waiting = counter.wait_for(|reached| *reached >= count);
    let reached = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(reached.is_ok(), "fewer than {count} connections");
}

struct Server {
    respond: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    acceptor: TlsAcceptor,
    unresponsive: AtomicBool,
    meeting: Barrier,
    requests: Mutex<Vec<String>>,
    stalled: watch::Sender<usize>,
    ended: watch::Sender<usize>,
}

impl Server {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        if self.unresponsive.load(Ordering::SeqCst) {
            return self.stall(stream).await;
        }
        let mut first = [0];
        stream.peek(&mut first).await?;
        // The content type of a TLS handshake record: RFC 8446, 5.1.
        if first == [22] {
            return self.reply(self.acceptor.accept(stream).await?).await;
        }
        self.reply(stream).await
    }

    async fn reply(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        self.requests.lock().unwrap().push(head);
        self.meeting.wait().await;
        match (self.respond)(&path) {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
            Reply::Stall(text) => {
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await?;
                return self.stall(stream).await;
            }
            Reply::Endless(text, chunk) => {
                stream.write_all(text.as_bytes()).await?;
                loop {
                    stream.write_all(chunk.as_bytes()).await?;
                }
            }
        }
        stream.shutdown().await
    }

    async fn stall(&self, mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
        self.stalled.send_modify(|count| *count += 1);
        let mut received = Vec::new();
        let end = stream.read_to_end(&mut received).await;
        self.ended.send_modify(|count| *count += 1);
        end.map(|_| ())
    }
}

/// A server with a certificate for `example.com` and its subdomains, and a client that trusts it.
pub fn tls() -> (TlsAcceptor, ClientConfig) {
    let names = ["example.com".to_owned(), "*.example.com".to_owned()];
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (TlsAcceptor::from(Arc::new(server)), client)
}

/// Resolves names as configured and connects every address to the server.
#[derive(Debug)]
struct SiteNetwork {
    server: SocketAddr,
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    stalled: Mutex<Vec<String>>,
    dead: Mutex<Vec<IpAddr>>,
    queries: Mutex<Vec<String>>,
    connections: Mutex<Vec<String>>,
}

impl Network for SiteNetwork {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.queries.lock().unwrap().push(name.to_owned());
        if self.stalled.lock().unwrap().iter().any(|it| it == name) {
            return Box::pin(std::future::pending());
        }
        let mut names = self.names.lock().unwrap();
        let resolved = match names.get_mut(name.trim_end_matches('.')) {
            Some(addresses) if addresses.len() > 1 => Ok(addresses.remove(0)),
            Some(addresses) => Ok(addresses[0].clone()),
            None => Err(io::Error::other("unknown name")),
        };
        Box::pin(std::future::ready(resolved))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.connections.lock().unwrap().push(address.to_string());
        if self.dead.lock().unwrap().contains(&address.ip()) {
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            return Box::pin(std::future::ready(Err(refused)));
        }
        Box::pin(TcpStream::connect(self.server))
    }
}
