use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::sync::Mutex;

/// How long before they expire credentials are renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// How long credentials that do not say when they expire are used before they are asked for
/// again: a profile's file may have changed.
const LONGEST_USE: Duration = Duration::from_secs(900);

/// What a request is authorized with.
#[derive(Debug, Clone)]
pub(super) enum Authorization {
    /// A signature, with the credentials as the signer takes them.
    Sign(Identity),
    /// A Bedrock API key.
    Bearer(Arc<str>),
}

/// The kinds of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// A Bedrock API key, of which AWS does not tell whose it is.
    ApiKey,
    /// Keys that requests are signed with.
    SigningKeys,
}

/// Why there are no credentials. The text is for the operator.
#[derive(Debug, Clone)]
pub struct CredentialsUnavailable(pub(super) String);

/// The credentials of the standard chain, kept until shortly before they expire.
#[derive(Debug)]
pub(super) struct CredentialCache {
    source: Source,
    current: RwLock<Option<Cached>>,
    /// Held by the one task that fetches.
    fetching: Mutex<()>,
}

#[derive(Debug)]
enum Source {
    Bearer(Arc<str>),
    Chain(SharedCredentialsProvider),
    Nothing,
}

#[derive(Debug, Clone)]
struct Cached {
    identity: Identity,
    renew_at: SystemTime,
}

impl CredentialCache {
    /// Uses a Bedrock API key where there is one, the provider otherwise.
    pub(super) fn new(
        bearer_token: Option<String>,
        provider: Option<SharedCredentialsProvider>,
    ) -> Self {
        let source = match (bearer_token, provider) {
            (Some(token), _) => Source::Bearer(token.into()),
            (None, Some(provider)) => Source::Chain(provider),
            (None, None) => Source::Nothing,
        };
        Self {
            source,
            current: RwLock::new(None),
            fetching: Mutex::new(()),
        }
    }

    /// What to authorize the next request with.
    pub(super) async fn authorization(&self) -> Result<Authorization, CredentialsUnavailable> {
        let provider = match &self.source {
            Source::Bearer(token) => return Ok(Authorization::Bearer(Arc::clone(token))),
            Source::Nothing => {
                return Err(CredentialsUnavailable(
                    "no provider is configured".to_owned(),
                ));
            }
            Source::Chain(provider) => provider,
        };
        if let Some(identity) = self.fresh() {
            return Ok(Authorization::Sign(identity));
        }
        let _one_at_a_time = self.fetching.lock().await;
        if let Some(identity) = self.fresh() {
            return Ok(Authorization::Sign(identity));
        }
        match provider.provide_credentials().await {
            Ok(credentials) => Ok(Authorization::Sign(self.keep(credentials))),
            // The old ones may still be good, and a call that fails says more than this would.
            Err(error) => match self.unexpired() {
                Some(identity) => Ok(Authorization::Sign(identity)),
                None => Err(CredentialsUnavailable(with_causes(&error))),
            },
        }
    }

    /// Forgets what AWS refused.
    pub(super) fn invalidate(&self) {
        if let Ok(mut current) = self.current.write() {
            *current = None;
        }
    }

    fn cached(&self) -> Option<Cached> {
        self.current.read().ok().and_then(|current| current.clone())
    }

    fn fresh(&self) -> Option<Identity> {
        let cached = self.cached()?;
        (SystemTime::now() < cached.renew_at).then_some(cached.identity)
    }

    fn unexpired(&self) -> Option<Identity> {
        let identity = self.cached()?.identity;
        let expiry = identity.expiration();
        expiry
            .is_none_or(|expiry| SystemTime::now() < expiry)
            .then_some(identity)
    }

    fn keep(&self, credentials: Credentials) -> Identity {
        let latest = SystemTime::now() + LONGEST_USE;
        let renew_at = credentials
            .expiry()
            .and_then(|expiry| expiry.checked_sub(RENEW_BEFORE))
            .map_or(latest, |renewal| renewal.min(latest));
        let identity = Identity::from(credentials);
        if let Ok(mut current) = self.current.write() {
            *current = Some(Cached {
                identity: identity.clone(),
                renew_at,
            });
        }
        identity
    }
}

/// An error with the errors that led to it.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
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
