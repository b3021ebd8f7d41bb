use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use futures_util::{FutureExt, TryFutureExt};
use http::{HeaderMap, Method, Response};
use hyper::body::Incoming;

use super::auth::authorization::Authorization;
use super::auth::credentials::{CredentialCache, CredentialKind, CredentialsUnavailable};
use super::destination::endpoint::{self, Endpoints};
use super::destination::models::{ModelDestinations, ModelOperation};
use super::destination::{Destination, SIGNING_NAME};
use super::errors::{UpstreamError, request_id};
use super::retry::RetryPolicy;
use super::settings::{BedrockSettings, SimulatedBedrock, Timeouts};
use super::transport::decoder::Decode;
use super::transport::stream::EventStream;
use super::transport::{Outgoing, Transport, complete};
use crate::models::ModelId;
use crate::usage::{Ledger, Upstream};

/// The timeout of requests that do not run a model.
pub(super) const SERVICE_TIMEOUT: Duration = Duration::from_secs(30);

/// The status of a throttled call.
const THROTTLED: u16 = 429;

/// The environment variable of a Bedrock API key.
const BEARER_TOKEN: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// A call to a model; cheap to clone for retries.
#[derive(Debug, Clone)]
pub struct ModelCall {
    /// The called model.
    pub model: ModelId,
    /// The JSON body.
    pub body: Bytes,
    /// Headers in addition to those of every call.
    pub headers: HeaderMap,
}

/// A request to one of Bedrock's services that does not run a model.
#[derive(Debug, Clone)]
pub(super) struct ServiceRequest<'a> {
    pub(super) service: Service,
    pub(super) method: Method,
    /// Already encoded.
    pub(super) path_and_query: &'a str,
    /// JSON, or empty.
    pub(super) body: Bytes,
}

/// Bedrock's services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// `bedrock-runtime`, which runs models.
    Runtime,
    /// `bedrock`, the control plane.
    Control,
}

impl ModelCall {
    /// A call without additional headers.
    pub fn new(model: ModelId, body: Bytes) -> Self {
        Self {
            model,
            body,
            headers: HeaderMap::new(),
        }
    }
}

impl<'a> ServiceRequest<'a> {
    pub(super) fn get(service: Service, path_and_query: &'a str) -> Self {
        Self {
            service,
            method: Method::GET,
            path_and_query,
            body: Bytes::new(),
        }
    }
}

/// A Bedrock client for one region and one set of credentials.
#[derive(Debug, Clone)]
pub struct Bedrock {
    inner: Arc<BedrockInner>,
    /// The client's request that the calls belong to, if any.
    request: Option<RequestCalls>,
}

/// The request that calls belong to.
#[derive(Debug, Clone)]
struct RequestCalls {
    ledger: Arc<Ledger>,
    /// The API that is called.
    upstream: Upstream,
}

#[derive(Debug)]
struct BedrockInner {
    connection: Arc<Connection>,
    timeouts: Timeouts,
    retry: RetryPolicy,
}

/// What stays for the life of the process.
#[derive(Debug)]
struct Connection {
    transport: Transport,
    endpoints: Endpoints,
    destinations: ModelDestinations,
    region: Arc<str>,
    sdk: SdkConfig,
    profile: Option<String>,
    job_arn_prefix: OnceLock<String>,
}

/// Why the client cannot be set up; the text includes the remedy.
#[derive(Debug)]
pub struct ConnectError(String);

impl Bedrock {
    /// Sets up the client from the SDK's standard provider chain (environment, profile, container,
    /// instance). Sends no request.
    pub async fn connect(settings: &BedrockSettings) -> Result<Self, ConnectError> {
        if let Some(simulated) = &settings.simulated {
            return Self::simulated(simulated, settings);
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        let sdk = loader.load().await;
        let Some(region) = sdk.region().map(ToString::to_string) else {
            return Err(ConnectError(
                "no AWS region is configured; set AWS_REGION, `[aws] region` in outcrop.toml, or a \
                 region in the profile"
                    .to_owned(),
            ));
        };
        let mut endpoints = endpoint::resolve(&sdk, &region)
            .await
            .map_err(|error| ConnectError(format!("no endpoint for region `{region}`: {error}")))?;
        if let Some(url) = &settings.mantle_endpoint {
            endpoints.mantle = Some(url.clone());
        }
        let bearer = std::env::var(BEARER_TOKEN).ok().filter(|t| !t.is_empty());
        let credentials = CredentialCache::new(bearer, sdk.credentials_provider());
        Self::new(sdk, region, endpoints, credentials, settings)
    }

    /// A client without credentials, for commands that need no AWS: calls fail before anything is
    /// sent.
    pub fn offline(settings: &BedrockSettings, region: &str) -> Result<Self, ConnectError> {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .build();
        let endpoints = Endpoints {
            runtime: format!("https://bedrock-runtime.{region}.amazonaws.com"),
            control: format!("https://bedrock.{region}.amazonaws.com"),
            mantle: settings.mantle_endpoint.clone(),
        };
        let credentials = CredentialCache::new(None, None);
        Self::new(sdk, region.to_owned(), endpoints, credentials, settings)
    }

    /// A client for a simulator. Ignores the environment.
    fn simulated(
        simulated: &SimulatedBedrock,
        settings: &BedrockSettings,
    ) -> Result<Self, ConnectError> {
        let region = "us-east-1".to_owned();
        let keys = Credentials::new(
            &simulated.access_key_id,
            &simulated.secret_access_key,
            None,
            None,
            "simulator",
        );
        let provider = SharedCredentialsProvider::new(keys);
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .endpoint_url(&simulated.url)
            .credentials_provider(provider.clone())
            .build();
        let endpoints = Endpoints {
            runtime: simulated.url.clone(),
            control: simulated.url.clone(),
            mantle: Some(simulated.url.clone()),
        };
        let credentials = CredentialCache::new(None, Some(provider));
        Self::new(sdk, region, endpoints, credentials, settings)
    }

    fn new(
        sdk: SdkConfig,
        region: String,
        endpoints: Endpoints,
        credentials: CredentialCache,
        settings: &BedrockSettings,
    ) -> Result<Self, ConnectError> {
        let transport = Transport::new(credentials, region.clone(), settings.timeouts.connect)
            .map_err(|error| {
                ConnectError(format!("cannot load the system's certificates: {error}"))
            })?;
        Ok(Self {
            inner: Arc::new(BedrockInner {
                connection: Arc::new(Connection {
                    transport,
                    endpoints,
                    destinations: ModelDestinations::new(),
                    region: region.into(),
                    sdk,
                    profile: settings.profile.clone().or_else(profile_of_environment),
                    job_arn_prefix: OnceLock::new(),
                }),
                timeouts: settings.timeouts,
                retry: RetryPolicy::new(settings.retry),
            }),
            request: None,
        })
    }

    /// A client with other timeouts and another retry policy. It shares connections, credentials and
    /// the timeout for connecting.
    #[must_use]
    pub fn reconfigured(&self, settings: &BedrockSettings) -> Self {
        Self {
            inner: Arc::new(BedrockInner {
                connection: Arc::clone(&self.inner.connection),
                timeouts: settings.timeouts,
                retry: self.inner.retry.reconfigured(settings.retry),
            }),
            request: None,
        }
    }

    /// A client for the calls of a request, which its ledger counts. If the request's client
    /// retries itself, calls have one attempt: the retries of client and gateway would multiply.
    #[must_use]
    pub fn for_request(&self, ledger: &Arc<Ledger>, upstream: Upstream) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            request: Some(RequestCalls {
                ledger: Arc::clone(ledger),
                upstream,
            }),
        }
    }

    /// The AWS region.
    pub fn region(&self) -> &str {
        &self.inner.connection.region
    }

    /// The name of the credentials profile, if one is set.
    pub fn profile(&self) -> Option<&str> {
        self.inner.connection.profile.as_deref()
    }

    /// The endpoint of `bedrock-runtime`.
    pub fn runtime_endpoint(&self) -> &str {
        &self.inner.connection.endpoints.runtime
    }

    /// The endpoint of the control plane.
    pub(super) fn control_endpoint(&self) -> &str {
        &self.inner.connection.endpoints.control
    }

    /// The common prefix of the ARNs of all jobs in the account and region, once it is known.
    pub(super) fn job_arn_prefix(&self) -> &OnceLock<String> {
        &self.inner.connection.job_arn_prefix
    }

    /// The configuration for the SDK's own clients.
    pub(super) fn sdk(&self) -> &SdkConfig {
        &self.inner.connection.sdk
    }

    /// Resolves the credentials, and returns their kind.
    pub async fn credentials(&self) -> Result<CredentialKind, CredentialsUnavailable> {
        match self
            .inner
            .connection
            .transport
            .credentials
            .authorization()
            .await?
        {
            Authorization::Bearer(_) => Ok(CredentialKind::ApiKey),
            Authorization::Sign(_) => Ok(CredentialKind::SigningKeys),
        }
    }

    /// Repeats a call until it succeeds or a retry is pointless. If `target` has just failed
    /// through all attempts, the call has one.
    pub(super) fn with_backoff<'a, F, Fut, T>(
        &'a self,
        target: Option<&'a str>,
        operation: F,
    ) -> impl Future<Output = Result<T, UpstreamError>> + use<'a, F, Fut, T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        let request = self.request.as_ref();
        let tries_once = request.is_some_and(|request| request.ledger.client_retries() > 0);
        let backoff = self.inner.retry.begin(tries_once, target);
        let wait = request.map(|request| request.ledger.wait_for_upstream());
        let called = backoff.call(move || {
            operation().inspect_err(move |error| {
                if let Some(request) = request {
                    let is_throttled = error.api_error.kind.status() == THROTTLED;
                    request.ledger.attempt_failed(is_throttled);
                }
            })
        });
        called.map(move |called| {
            drop(wait);
            called
        })
    }

    /// Sends a request, and waits for the headers of a success. One attempt.
    pub(super) async fn exchange(
        &self,
        outgoing: &Outgoing<'_>,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let Some(RequestCalls { ledger, upstream }) = &self.request else {
            return self.inner.connection.transport.send(outgoing).await;
        };
        ledger.attempted(*upstream, &self.inner.connection.region);
        let sent = self.inner.connection.transport.send(outgoing).await;
        let id = match &sent {
            Ok(response) => request_id(response.headers()),
            Err(error) => error.upstream_request_id(),
        };
        if let Some(id) = id {
            ledger.upstream_request_id(id);
        }
        sent
    }

    /// Opens an event stream, and waits for its first event. One attempt.
    pub(super) fn open<D: Decode>(
        &self,
        outgoing: &Outgoing<'_>,
        decoder: fn() -> D,
    ) -> impl Future<Output = Result<Response<Box<EventStream<D>>>, UpstreamError>> {
        let timeouts = self.inner.timeouts;
        within(timeouts.first_event, async move {
            let (head, body) = self.exchange(outgoing).await?.into_parts();
            let mut stream = Box::new(EventStream::new(body, decoder(), timeouts));
            stream.open(&head.headers).await?;
            Ok(Response::from_parts(head, stream))
        })
    }

    /// Sends a request, and reads the complete response within `limit`. One attempt.
    pub(super) fn fetch(
        &self,
        outgoing: &Outgoing<'_>,
        limit: Duration,
    ) -> impl Future<Output = Result<Response<Bytes>, UpstreamError>> {
        within(limit, async move {
            complete(self.exchange(outgoing).await?).await
        })
    }

    /// Sends a POST request to a model, and reads the complete response. One attempt.
    pub(super) async fn post(
        &self,
        call: &ModelCall,
        operation: ModelOperation,
        limit: Duration,
    ) -> Result<Response<Bytes>, UpstreamError> {
        let destination = self.model_destination(&call.model, operation)?;
        let outgoing = Outgoing {
            headers: Some(&call.headers),
            ..Outgoing::json(&Method::POST, &destination, &call.body)
        };
        self.fetch(&outgoing, limit).await
    }

    /// Sends a request that does not run a model, and returns its JSON response. One attempt.
    pub(super) async fn send(&self, request: &ServiceRequest<'_>) -> Result<Bytes, UpstreamError> {
        let ServiceRequest {
            service,
            method,
            path_and_query,
            body,
        } = request;
        let endpoint = match service {
            Service::Runtime => self.runtime_endpoint(),
            Service::Control => self.control_endpoint(),
        };
        let url = format!("{endpoint}{path_and_query}");
        let destination = Destination::parse(&url, SIGNING_NAME)?;
        let outgoing = Outgoing::json(method, &destination, body);
        let response = self.fetch(&outgoing, SERVICE_TIMEOUT).await?;
        Ok(response.into_body())
    }

    /// Sends a GET request to the control plane. One attempt.
    pub(super) async fn get(&self, path_and_query: &str) -> Result<Bytes, UpstreamError> {
        self.send(&ServiceRequest::get(Service::Control, path_and_query))
            .await
    }

    /// The timeout of a model's complete response.
    pub(super) fn response_timeout(&self) -> Duration {
        self.inner.timeouts.response
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.inner.connection.transport
    }

    /// The destination of an operation of a model.
    pub(super) fn model_destination(
        &self,
        model: &ModelId,
        operation: ModelOperation,
    ) -> Result<Arc<Destination>, UpstreamError> {
        let Connection {
            destinations,
            endpoints,
            ..
        } = &*self.inner.connection;
        destinations.of(model, operation, endpoints)
    }
}

fn profile_of_environment() -> Option<String> {
    std::env::var("AWS_PROFILE")
        .ok()
        .filter(|name| !name.is_empty())
}

/// Limits the time of `work`. No async function, which would hold the work twice.
fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, UpstreamError>>,
) -> impl Future<Output = Result<T, UpstreamError>> {
    tokio::time::timeout(limit, work).map(|result| {
        result.unwrap_or_else(|_| Err(UpstreamError::timeout("no response within the time limit")))
    })
}

impl fmt::Display for ConnectError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ConnectError {}
