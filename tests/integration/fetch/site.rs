//! A server that misbehaves on command, and a network in which it has whatever names it is given.

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

/// What the server does with a request.
pub enum Reply {
    /// Writes this and ends the connection.
    Bytes(Vec<u8>),
    /// Writes this and then nothing, for as long as the client is there.
    Silence(String),
    /// Writes the first and then the second for as long as the client is there.
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

/// The server and its network. At first the network knows `example.com`, at a public address.
pub struct Site {
    pub address: SocketAddr,
    server: Arc<Server>,
    network: Arc<SiteNetwork>,
    trust: ClientConfig,
}

impl Site {
    /// A server that answers by the path of a request.
    pub async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(answer, 1).await
    }

    /// A server that answers with the path once `together` requests have come.
    pub async fn meeting(together: usize) -> Self {
        Self::with(Reply::file, together).await
    }

    async fn with(answer: impl Fn(&str) -> Reply + Send + Sync + 'static, together: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (acceptor, trust) = tls();
        let server = Arc::new(Server {
            answer: Box::new(answer),
            acceptor,
            deaf: AtomicBool::new(false),
            meeting: Barrier::new(together),
            requests: Mutex::default(),
            silent: watch::Sender::new(0),
            ended: watch::Sender::new(0),
        });
        let accepting = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = Arc::clone(&accepting);
                // A connection that the client leaves is what some of the tests are about.
                tokio::spawn(async move { drop(server.serve(stream).await) });
            }
        });
        let network = Arc::new(SiteNetwork {
            server: address,
            names: Mutex::default(),
            silent: Mutex::default(),
            dead: Mutex::default(),
            questions: Mutex::default(),
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

    /// Another name, with the answer to each question; the last one stays.
    pub fn named(self, name: &str, answers: &[&[&str]]) -> Self {
        let answer = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
        let answers = answers.iter().map(answer).collect();
        let mut names = self.network.names.lock().unwrap();
        names.insert(name.to_owned(), answers);
        drop(names);
        self
    }

    /// A name for which no answer comes.
    pub fn silent(self, name: &str) -> Self {
        self.network.silent.lock().unwrap().push(name.to_owned());
        self
    }

    /// The same network, where nobody takes connections at `address`.
    pub fn without(self, address: &str) -> Self {
        let address = address.parse().unwrap();
        self.network.dead.lock().unwrap().push(address);
        self
    }

    /// The same server, which accepts connections and says nothing.
    pub fn deaf(self) -> Self {
        self.server.deaf.store(true, Ordering::SeqCst);
        self
    }

    /// A fetcher in this network that trusts this server.
    pub fn fetcher(&self, settings: &FetchSettings) -> Fetcher {
        let network = Arc::clone(&self.network) as Arc<dyn Network>;
        Fetcher::within(settings, network, self.trust.clone())
    }

    /// The names that were asked for.
    pub fn questions(&self) -> Vec<String> {
        self.network.questions.lock().unwrap().clone()
    }

    /// The addresses that were connected to.
    pub fn connections(&self) -> Vec<String> {
        self.network.connections.lock().unwrap().clone()
    }

    /// The heads of the requests that came.
    pub fn requests(&self) -> Vec<String> {
        self.server.requests.lock().unwrap().clone()
    }

    /// Waits until the server is silent on so many connections.
    pub async fn silent_connections_at_least(&self, count: usize) {
        at_least(&self.server.silent, count).await;
    }

    /// Waits until the client has ended so many of them.
    pub async fn ended_connections_at_least(&self, count: usize) {
        at_least(&self.server.ended, count).await;
    }
}

async fn at_least(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let waiting = counter.wait_for(|reached| *reached >= count);
    let reached = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(reached.is_ok(), "there are never {count}");
}

struct Server {
    answer: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    acceptor: TlsAcceptor,
    deaf: AtomicBool,
    meeting: Barrier,
    requests: Mutex<Vec<String>>,
    silent: watch::Sender<usize>,
    ended: watch::Sender<usize>,
}

impl Server {
    async fn serve(&self, stream: TcpStream) -> io::Result<()> {
        if self.deaf.load(Ordering::SeqCst) {
            return self.silence(stream).await;
        }
        let mut first = [0];
        stream.peek(&mut first).await?;
        // The type of a TLS record that holds a handshake: RFC 8446, 5.1.
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
        match (self.answer)(&path) {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
            Reply::Silence(text) => {
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await?;
                return self.silence(stream).await;
            }
            Reply::Endless(text, piece) => {
                stream.write_all(text.as_bytes()).await?;
                loop {
                    stream.write_all(piece.as_bytes()).await?;
                }
            }
        }
        stream.shutdown().await
    }

    async fn silence(&self, mut stream: impl AsyncRead + Unpin) -> io::Result<()> {
        self.silent.send_modify(|count| *count += 1);
        let mut heard = Vec::new();
        let end = stream.read_to_end(&mut heard).await;
        self.ended.send_modify(|count| *count += 1);
        end.map(|_| ())
    }
}

/// A server with a certificate for `example.com` and the names below it, and a client that trusts it.
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

/// Names have the answers they are given, and every connection arrives at the server.
#[derive(Debug)]
struct SiteNetwork {
    server: SocketAddr,
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    silent: Mutex<Vec<String>>,
    dead: Mutex<Vec<IpAddr>>,
    questions: Mutex<Vec<String>>,
    connections: Mutex<Vec<String>>,
}

impl Network for SiteNetwork {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        self.questions.lock().unwrap().push(name.to_owned());
        if self.silent.lock().unwrap().iter().any(|it| it == name) {
            return Box::pin(std::future::pending());
        }
        let mut names = self.names.lock().unwrap();
        let answer = match names.get_mut(name.trim_end_matches('.')) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(io::Error::other("there is no such name")),
        };
        Box::pin(std::future::ready(answer))
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
