//! The floor: a proxy that forwards bytes, with the gateway's libraries.
//!
//! It has the same runtime, HTTP server, router, client, allocator and socket options, but no API
//! keys, translation, signatures, limits or log. It is the lower bound for a gateway with these
//! libraries.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::Outcome;
use crate::exchange::ResponseMode;

struct Upstream {
    http: Client<HttpConnector, Full<Bytes>>,
    non_streaming: Uri,
    stream: Uri,
}

pub(crate) async fn serve(upstream: &str) -> Outcome<()> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    let http = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(60))
        .build(tcp);
    let address = |mode: ResponseMode| format!("{upstream}{}", mode.bedrock_path()).parse();
    let upstream = Arc::new(Upstream {
        http,
        non_streaming: address(ResponseMode::NonStreaming)?,
        stream: address(ResponseMode::Stream)?,
    });
    let router = Router::new()
        .route(ResponseMode::NonStreaming.floor_path(), post(non_streaming))
        .route(ResponseMode::Stream.floor_path(), post(stream))
        .with_state(upstream);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        let service = TowerToHyperService::new(router.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(connection), service);
        // The client notices connection errors.
        tokio::spawn(async move { connection.await.is_ok() });
    }
}

async fn non_streaming(State(upstream): State<Arc<Upstream>>, body: Bytes) -> Response<Body> {
    forward(&upstream, &upstream.non_streaming, "application/json", body).await
}

async fn stream(State(upstream): State<Arc<Upstream>>, body: Bytes) -> Response<Body> {
    const EVENTS: &str = "application/vnd.amazon.eventstream";
    forward(&upstream, &upstream.stream, EVENTS, body).await
}

async fn forward(upstream: &Upstream, uri: &Uri, accept: &str, body: Bytes) -> Response<Body> {
    let request = Request::post(uri.clone())
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, accept)
        .body(Full::new(body));
    let Ok(request) = request else {
        return error_response();
    };
    let Ok(upstream_response) = upstream.http.request(request).await else {
        return error_response();
    };
    let (head, body) = upstream_response.into_parts();
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = head.status;
    if let Some(content_type) = head.headers.get(CONTENT_TYPE) {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, content_type.clone());
    }
    response
}

fn error_response() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
