//! An identity provider: it publishes keys over HTTP and signs tokens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct IdentityProvider {
    pub address: SocketAddr,
    state: Arc<ProviderState>,
}

struct ProviderState {
    /// The published keys; `None` while the provider fails.
    keys: Mutex<Option<Value>>,
    requests: AtomicUsize,
}

pub struct SigningKey {
    kid: &'static str,
    key: EncodingKey,
}

impl IdentityProvider {
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(ProviderState {
            keys: Mutex::default(),
            requests: AtomicUsize::new(0),
        });
        let provider = Self {
            address,
            state: Arc::clone(&state),
        };
        provider.publish(keys);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(respond(stream, address, Arc::clone(&state)));
            }
        });
        provider
    }

    pub fn issuer(&self) -> String {
        format!("http://{}/realm", self.address)
    }

    /// Publishes exactly these keys from now on.
    pub fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        *self.state.keys.lock() = Some(json!({"keys": keys}));
    }

    pub fn fail(&self) {
        *self.state.keys.lock() = None;
    }

    /// The number of requests for keys.
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::Relaxed)
    }

    /// The configuration of a section `[jwt.idp]`, with more keys.
    pub fn section(&self, more: &str) -> String {
        format!(
            "[jwt.idp]\nissuer = \"{}\"\naudience = [\"gateway\"]\n{more}\n",
            self.issuer()
        )
    }

    /// The claims of a valid token of `user`.
    pub fn claims(&self, user: &str) -> Value {
        json!({
            "iss": self.issuer(),
            "aud": "gateway",
            "sub": user,
            "exp": unix_seconds() + 3600,
        })
    }
}

pub fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

impl SigningKey {
    pub fn new(kid: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self {
            kid,
            key: EncodingKey::from_ec_der(&pair.serialize_der()),
        }
    }

    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.to_owned());
        encode(&header, claims, &self.key).unwrap()
    }

    fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }
}

async fn respond(mut stream: TcpStream, address: SocketAddr, state: Arc<ProviderState>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let body = match path {
        "/realm/.well-known/openid-configuration" => Some(json!({
            "issuer": format!("http://{address}/realm"),
            "jwks_uri": format!("http://{address}/keys"),
        })),
        "/keys" => {
            state.requests.fetch_add(1, Ordering::Relaxed);
            state.keys.lock().clone()
        }
        _ => panic!("{path}"),
    };
    let status = if body.is_some() {
        "200 OK"
    } else {
        "500 Error"
    };
    let body = body.unwrap_or_default().to_string();
    let response = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // The gateway may have gone.
    let _ = stream.write_all(response.as_bytes()).await;
}
