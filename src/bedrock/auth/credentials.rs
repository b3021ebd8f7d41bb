use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::HeaderValue;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::Instant;

use super::authorization::Authorization;
use super::signing::SigningCredentials;

/// How long before expiry credentials are refreshed in the background.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// How long before expiry credentials are no longer used: a request needs a moment to reach AWS.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);

/// How long credentials without an expiry are used before they are fetched again: the file of a
/// profile may have changed.
const MAX_USE: Duration = Duration::from_secs(900);

/// The minimum time between fetches, successful or not. Concurrent requests must not flood a
/// failing source.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The timeout of a fetch.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A Bedrock API key, whose owner AWS does not report.
    ApiKey,
    /// An access key that signs requests.
    SigningKeys,
}

/// Why there are no credentials. The text is for the operator.
#[derive(Debug, Clone)]
pub struct CredentialsUnavailable(pub(in crate::bedrock) String);

/// Caches the credentials of the standard chain. Waiting requests share one fetch; refreshes run in
/// the background while the current credentials are valid.
#[derive(Debug)]
pub(in crate::bedrock) struct CredentialCache {
    source: CredentialSource,
}

#[derive(Debug)]
enum CredentialSource {
    /// The value of `Authorization`.
    Bearer(HeaderValue),
    Chain(Arc<Chain>),
    /// There are none, for this reason.
    Unavailable(&'static str),
}

#[derive(Debug)]
struct Chain {
    provider: SharedCredentialsProvider,
    /// The system clock, against which credentials expire.
    now: fn() -> SystemTime,
    state: RwLock<CacheState>,
}

#[derive(Debug, Default)]
struct CacheState {
    current: Option<Current>,
    fetch: Option<Fetch>,
    error: Option<(Instant, CredentialsUnavailable)>,
}

#[derive(Debug)]
struct Current {
    credentials: Arc<SigningCredentials>,
    fetched: Instant,
    renew_at: SystemTime,
    usable_until: Option<SystemTime>,
}

/// A fetch in flight, shared by all requests that wait for it.
type Fetch = Shared<BoxFuture<'static, CredentialsResult>>;

type CredentialsResult = Result<Arc<SigningCredentials>, CredentialsUnavailable>;

impl CredentialCache {
    /// Uses a Bedrock API key if there is one, otherwise the provider.
    pub(in crate::bedrock) fn new(
        bearer_token: Option<String>,
        provider: Option<SharedCredentialsProvider>,
    ) -> Self {
        let source = match (bearer_token, provider) {
            (Some(token), _) => match Authorization::bearer(&token) {
                Ok(value) => CredentialSource::Bearer(value),
                Err(_) => CredentialSource::Unavailable("the bearer token is malformed"),
            },
            (None, Some(provider)) => {
                CredentialSource::Chain(Chain::new(provider, SystemTime::now))
            }
            (None, None) => CredentialSource::Unavailable("no credentials provider is configured"),
        };
        Self { source }
    }

    /// The authorization of the next request.
    pub(in crate::bedrock) async fn authorization(
        &self,
    ) -> Result<Authorization, CredentialsUnavailable> {
        match &self.source {
            CredentialSource::Bearer(value) => Ok(Authorization::Bearer(value.clone())),
            CredentialSource::Chain(chain) => chain.credentials().await.map(Authorization::Sign),
            CredentialSource::Unavailable(reason) => {
                Err(CredentialsUnavailable((*reason).to_owned()))
            }
        }
    }

    /// Discards credentials that AWS rejected, unless newer ones were fetched since.
    pub(in crate::bedrock) fn mark_refused(&self, authorization: &Authorization) {
        if let (CredentialSource::Chain(chain), Authorization::Sign(credentials)) =
            (&self.source, authorization)
        {
            chain.mark_refused(credentials);
        }
    }
}

impl Chain {
    fn new(provider: SharedCredentialsProvider, now: fn() -> SystemTime) -> Arc<Self> {
        Arc::new(Self {
            provider,
            now,
            state: RwLock::default(),
        })
    }

    async fn credentials(self: &Arc<Self>) -> CredentialsResult {
        if let Some(current) = &self.read().current
            && (self.now)() < current.renew_at
        {
            return Ok(Arc::clone(&current.credentials));
        }
        let fetch = match self.current_or_fetch() {
            Ok(outcome) => return outcome,
            Err(fetch) => fetch,
        };
        fetch.await
    }

    /// The usable current credentials or a recent failure; otherwise the fetch to wait for. Starts
    /// a fetch if one is due.
    fn current_or_fetch(self: &Arc<Self>) -> Result<CredentialsResult, Fetch> {
        let now = (self.now)();
        let mut state = self.write();
        let error = state.error.as_ref();
        let error = error.filter(|(failed, _)| failed.elapsed() < MIN_INTERVAL);
        let error = error.map(|(_, error)| error.clone());
        if state.fetch.is_none() && error.is_none() {
            let is_due = |current: &Current| {
                now >= current.renew_at && current.fetched.elapsed() >= MIN_INTERVAL
            };
            if state.current.as_ref().is_none_or(is_due) {
                state.fetch = Some(self.fetch());
            }
        }
        let current = state.current.as_ref();
        if let Some(current) = current.filter(|current| current.is_usable(now)) {
            return Ok(Ok(Arc::clone(&current.credentials)));
        }
        match (&state.fetch, error) {
            (Some(fetch), _) => Err(fetch.clone()),
            (None, Some(error)) => Ok(Err(error)),
            (None, None) => Ok(Err(CredentialsUnavailable(
                "the credentials have expired".to_owned(),
            ))),
        }
    }

    /// Fetches in a separate task, which continues when the waiting requests are dropped.
    fn fetch(self: &Arc<Self>) -> Fetch {
        let chain = Arc::clone(self);
        let task = tokio::spawn(async move {
            let provider = chain.provider.clone();
            // In a separate task, so that a panic of the provider ends the fetch with an error.
            let provided = tokio::spawn(async move {
                let provided = provider.provide_credentials();
                tokio::time::timeout(FETCH_TIMEOUT, provided).await
            });
            let provided = match provided.await {
                Ok(Ok(provided)) => provided.map_err(|error| with_causes(&error)),
                Ok(Err(_)) => Err(format!(
                    "the credentials source did not respond within {FETCH_TIMEOUT:?}"
                )),
                Err(error) => Err(error.to_string()),
            };
            chain.settle(provided.map_err(CredentialsUnavailable))
        });
        let fetched = task.map(|fetched| {
            fetched.unwrap_or_else(|error| Err(CredentialsUnavailable(error.to_string())))
        });
        fetched.boxed().shared()
    }

    /// Stores the outcome of a fetch.
    fn settle(&self, provided: Result<Credentials, CredentialsUnavailable>) -> CredentialsResult {
        let now = (self.now)();
        let current = provided.and_then(|credentials| Current::new(credentials, now));
        let mut state = self.write();
        state.fetch = None;
        match current {
            Ok(current) => {
                let credentials = Arc::clone(&current.credentials);
                state.current = Some(current);
                state.error = None;
                Ok(credentials)
            }
            Err(error) => {
                if state.current.is_some() {
                    tracing::warn!(
                        error = error.0,
                        "the credentials could not be refreshed; the current ones are used until \
                         they expire"
                    );
                }
                state.error = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn mark_refused(&self, credentials: &SigningCredentials) {
        let mut state = self.write();
        let is_refused = |current: &Current| {
            std::ptr::eq(&*current.credentials, credentials)
                && current.fetched.elapsed() >= MIN_INTERVAL
        };
        if state.current.as_ref().is_some_and(is_refused) {
            state.current = None;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, CacheState> {
        self.state.read()
    }

    fn write(&self) -> RwLockWriteGuard<'_, CacheState> {
        self.state.write()
    }
}

impl Current {
    fn new(credentials: Credentials, now: SystemTime) -> Result<Self, CredentialsUnavailable> {
        let before = |margin: Duration| credentials.expiry()?.checked_sub(margin);
        let latest = now + MAX_USE;
        Ok(Self {
            renew_at: before(RENEW_BEFORE).map_or(latest, |renewal| renewal.min(latest)),
            usable_until: before(EXPIRY_MARGIN),
            fetched: Instant::now(),
            credentials: SigningCredentials::new(credentials)
                .map(Arc::new)
                .map_err(|_| CredentialsUnavailable("the session token is malformed".to_owned()))?,
        })
    }

    /// Whether requests may be signed with these credentials. If a source returns credentials that
    /// are about to expire, they are used, since it has no better ones.
    fn is_usable(&self, now: SystemTime) -> bool {
        self.usable_until.is_none_or(|until| now < until) || self.fetched.elapsed() < MIN_INTERVAL
    }
}

/// An error with its causes.
pub(in crate::bedrock) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl fmt::Display for CredentialsUnavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for CredentialsUnavailable {}

#[cfg(test)]
mod tests;
