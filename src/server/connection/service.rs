//! The service of a connection, which keeps its state up to date.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::super::cores::{ActiveRequest, Core};
use super::super::listener::ClientAddress;
use super::super::service::HttpService;
use super::entry::Peer;
use super::request_body::{MinRate, RequestBody};
use super::state::{BodyProgress, ConnectionState, ResponseKind};
use crate::http::Probe;

/// The service, and the state that the requests of a connection share.
#[derive(Clone)]
pub(super) struct Responder<S> {
    pub(super) service: S,
    pub(super) core: Core,
    pub(super) client: ClientAddress,
    pub(super) state: Arc<ConnectionState>,
    pub(super) min_rate: MinRate,
    pub(super) is_over_capacity: bool,
}

impl<S: HttpService> Responder<S> {
    /// Routes a request. It has begun when this returns: hyper may read the end of the input before
    /// it polls the future.
    pub(super) fn respond(
        self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> {
        let active = self.core.begin_request();
        let is_http_1_0 = request.version() == Version::HTTP_10;
        let body_length = request.body().size_hint().exact();
        self.state.begin_request(is_http_1_0, body_length);
        self.route(request, body_length != Some(0), active)
    }

    async fn route(
        self,
        request: Request<Incoming>,
        has_body: bool,
        mut active: ActiveRequest,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let Self {
            service,
            core,
            client: ClientAddress(address),
            state,
            min_rate,
            is_over_capacity,
        } = self;
        let peer = Peer {
            address: Some(address),
            is_over_capacity,
        };
        let request = match has_body {
            false => request.map(|_| Body::empty()),
            true => {
                request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&state), min_rate)))
            }
        };
        // In a box: hyper keeps the room for this future as long as the connection.
        let served = Box::pin(async move { service.serve(request, peer).await });
        let mut response = core.run(served).await;
        // The rest of a body, however short, may not have arrived yet and would precede the next
        // request.
        let has_rest = state.body() != BodyProgress::Complete;
        if has_rest || is_over_capacity {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
        }
        let kind = match response.extensions().get::<Probe>() {
            Some(Probe(probe)) => ResponseKind::Events(Arc::clone(probe)),
            None if response.body().size_hint().exact().is_some() => ResponseKind::Complete,
            None => ResponseKind::Opaque,
        };
        if !matches!(kind, ResponseKind::Complete) {
            active.begin_stream();
        }
        state.begin_response(kind);
        Ok(response.map(|body| ResponseBody {
            body,
            state,
            _active: active,
        }))
    }
}

/// A response body that reports its end.
pub(super) struct ResponseBody {
    body: Body,
    state: Arc<ConnectionState>,
    _active: ActiveRequest,
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.state.finish_response();
    }
}
