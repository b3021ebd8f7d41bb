//! The cache with a source that counts its calls, in paused time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use futures_util::future::join_all;

use super::*;

/// The latency of the source.
const LATENCY: Duration = Duration::from_millis(200);

/// The lifetime of its credentials.
const VALID: Duration = Duration::from_secs(3600);

thread_local! {
    static START: Instant = Instant::now();
}

/// The time of day on the runtime's paused clock.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + START.with(|start| start.elapsed())
}

#[derive(Debug, Default)]
struct Counting {
    calls: AtomicU64,
    is_down: AtomicBool,
    lasts_for_ever: bool,
    gives_expired: bool,
}

#[derive(Debug, Clone)]
struct Provider(Arc<Counting>);

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let calls = self.0.calls.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(LATENCY).await;
            if self.0.is_down.load(Ordering::SeqCst) {
                return Err(CredentialsError::provider_error("the source is down"));
            }
            let expiry = match (self.0.lasts_for_ever, self.0.gives_expired) {
                (true, _) => None,
                (_, true) => Some(now()),
                _ => Some(now() + VALID),
            };
            let id = format!("key-{calls}");
            Ok(Credentials::new(id, "secret", None, expiry, "test"))
        })
    }
}

fn cache(counting: Counting) -> (Arc<Counting>, Arc<Chain>) {
    START.with(|_| {});
    let counting = Arc::new(counting);
    let provider = SharedCredentialsProvider::new(Provider(Arc::clone(&counting)));
    (counting, Chain::new(provider, now))
}

/// The access key id of a request, and how long the request waited for it.
async fn key(chain: &Arc<Chain>) -> (Result<String, String>, Duration) {
    let began = Instant::now();
    let id = chain.credentials().await.map_err(|error| error.0);
    let id = id.map(|credentials| credentials.access_key.access_key_id().to_owned());
    (id, began.elapsed())
}

fn ok(id: &str) -> Result<String, String> {
    Ok(id.to_owned())
}

#[tokio::test(start_paused = true)]
async fn concurrent_waiters_share_one_fetch() {
    let (source, chain) = cache(Counting::default());
    let keys = join_all((0..1000).map(|_| key(&chain))).await;
    assert!(keys.iter().all(|(id, _)| *id == ok("key-1")));
    assert_eq!(source.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_continues_when_the_request_that_started_it_is_dropped() {
    let (source, chain) = cache(Counting::default());
    let leaves = tokio::time::timeout(LATENCY / 2, key(&chain)).await;
    assert!(leaves.is_err());
    assert_eq!(key(&chain).await.0, ok("key-1"));
    assert_eq!(source.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_cached_for_a_second() {
    let (source, chain) = cache(Counting::default());
    source.is_down.store(true, Ordering::SeqCst);
    let keys = join_all((0..1000).map(|_| key(&chain))).await;
    assert!(keys.iter().all(|(id, _)| id.is_err()));
    let (error, waited) = key(&chain).await;
    assert!(error.expect_err("no credentials").contains("down"));
    assert_eq!(waited, Duration::ZERO);
    assert_eq!(source.calls.load(Ordering::SeqCst), 1);

    tokio::time::advance(MIN_INTERVAL).await;
    source.is_down.store(false, Ordering::SeqCst);
    assert_eq!(key(&chain).await.0, ok("key-2"));
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_a_refresh() {
    for lasts_for_ever in [false, true] {
        let (source, chain) = cache(Counting {
            lasts_for_ever,
            ..Counting::default()
        });
        assert!(key(&chain).await.0.is_ok());
        let calls = |times| assert_eq!(source.calls.load(Ordering::SeqCst), times);
        tokio::time::advance(MAX_USE - Duration::from_secs(1)).await;
        assert_eq!(key(&chain).await, (ok("key-1"), Duration::ZERO));
        calls(1);
        tokio::time::advance(Duration::from_secs(1)).await;
        let keys = join_all((0..1000).map(|_| key(&chain))).await;
        let is_old =
            |key: &(Result<String, String>, Duration)| *key == (ok("key-1"), Duration::ZERO);
        assert!(keys.iter().all(is_old));
        tokio::time::sleep(2 * LATENCY).await;
        assert_eq!(key(&chain).await, (ok("key-2"), Duration::ZERO));
        calls(2);
    }
}

#[tokio::test(start_paused = true)]
async fn when_a_refresh_fails_current_credentials_are_used_until_they_expire() {
    let (source, chain) = cache(Counting::default());
    assert!(key(&chain).await.0.is_ok());
    source.is_down.store(true, Ordering::SeqCst);
    let end = VALID - EXPIRY_MARGIN;
    let mut elapsed = Duration::ZERO;
    while elapsed + Duration::from_secs(60) < end {
        tokio::time::sleep(Duration::from_secs(60)).await;
        elapsed += Duration::from_secs(60);
        assert_eq!(key(&chain).await, (ok("key-1"), Duration::ZERO));
    }
    tokio::time::sleep(end - elapsed).await;
    assert!(key(&chain).await.0.is_err());
    source.is_down.store(false, Ordering::SeqCst);
    tokio::time::sleep(MIN_INTERVAL).await;
    assert!(key(&chain).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn credentials_rejected_by_aws_are_refetched_once() {
    let (source, chain) = cache(Counting::default());
    let first = chain.credentials().await.expect("credentials");
    chain.mark_refused(&first);
    assert_eq!(key(&chain).await.0, ok("key-1"), "no others so soon");
    tokio::time::advance(MIN_INTERVAL).await;
    chain.mark_refused(&first);
    assert_eq!(key(&chain).await.0, ok("key-2"));
    tokio::time::advance(MIN_INTERVAL).await;
    chain.mark_refused(&first);
    assert_eq!(key(&chain).await, (ok("key-2"), Duration::ZERO));
    assert_eq!(source.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_returns_expired_credentials_is_polled_once_a_second() {
    let (source, chain) = cache(Counting {
        gives_expired: true,
        ..Counting::default()
    });
    for _ in 0..100 {
        assert_eq!(key(&chain).await.0, ok("key-1"));
    }
    assert_eq!(source.calls.load(Ordering::SeqCst), 1);
    tokio::time::advance(MIN_INTERVAL).await;
    assert_eq!(key(&chain).await.0, ok("key-2"));
}

#[tokio::test(start_paused = true)]
async fn replaced_credentials_are_discarded_with_their_keys() {
    let (_, chain) = cache(Counting::default());
    let first = chain.credentials().await.expect("credentials");
    let (in_flight, cached) = (Arc::clone(&first), Arc::downgrade(&first));
    drop(first);
    tokio::time::advance(MAX_USE).await;
    assert_eq!(key(&chain).await.0, ok("key-1"));
    tokio::time::sleep(2 * LATENCY).await;
    assert_eq!(key(&chain).await.0, ok("key-2"));
    drop(in_flight);
    assert!(cached.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_malformed_bearer_token_is_an_error_of_each_request() {
    let cache = CredentialCache::new(Some("line\nfeed".to_owned()), None);
    let error = cache.authorization().await.expect_err("no authorization");
    assert_eq!(error.to_string(), "the bearer token is malformed");
}
