use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;

/// A provider whose keys and state the test controls.
#[derive(Debug)]
struct TestSource {
    loads: AtomicUsize,
    /// The published key; `None` while the provider is away.
    kid: Mutex<Option<&'static str>>,
    /// A load waits for a permit.
    gate: Semaphore,
}

#[derive(Debug, Clone)]
struct Shared(Arc<TestSource>);

impl KeySource for Shared {
    fn load(&self) -> BoxFuture<'_, Result<KeySet, String>> {
        Box::pin(async {
            self.0.loads.fetch_add(1, Ordering::Relaxed);
            let _permit = self.0.gate.acquire().await;
            let kid = *self.0.kid.lock();
            let kid = kid.ok_or("away")?;
            let json =
                format!(r#"{{"keys":[{{"kid":"{kid}","kty":"RSA","n":"0vx7","e":"AQAB"}}]}}"#);
            KeySet::parse(json.as_bytes()).map_err(str::to_owned)
        })
    }
}

impl Shared {
    fn publishing(kid: &'static str) -> Self {
        Self(Arc::new(TestSource {
            loads: AtomicUsize::new(0),
            kid: Mutex::new(Some(kid)),
            gate: Semaphore::new(1000),
        }))
    }

    fn cache(&self) -> KeyCache {
        KeyCache::new("idp", Box::new(self.clone()))
    }

    fn set(&self, kid: Option<&'static str>) {
        *self.0.kid.lock() = kid;
    }

    fn loads(&self) -> usize {
        self.0.loads.load(Ordering::Relaxed)
    }
}

async fn get(cache: &KeyCache, kid: &str) -> Result<(), TokenError> {
    let found = cache.with_key(Some(kid), Algorithm::RS256).await;
    found.map(drop)
}

async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_unknown_keys_is_one_load() {
    let source = Shared::publishing("one");
    let cache = source.cache();
    let storm = (0..200).map(|number| {
        let cache = cache.clone();
        let kid = match number % 2 {
            0 => "one".to_owned(),
            _ => format!("made-up-{number}"),
        };
        tokio::spawn(async move { (kid.clone(), get(&cache, &kid).await) })
    });
    for request in storm.collect::<Vec<_>>() {
        let (kid, found) = request.await.expect("a result");
        let expected = match kid.as_str() {
            "one" => Ok(()),
            _ => Err(TokenError::UnknownKey),
        };
        assert_eq!(found, expected, "{kid}");
    }
    assert_eq!(source.loads(), 1);
    pass(9).await;
    assert_eq!(get(&cache, "made-up").await, Err(TokenError::UnknownKey));
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_after_ten_seconds_and_a_removed_one_is_not() {
    let source = Shared::publishing("one");
    let cache = source.cache();
    assert_eq!(get(&cache, "one").await, Ok(()));
    source.set(Some("two"));
    pass(10).await;
    assert_eq!(get(&cache, "two").await, Ok(()));
    assert_eq!(source.loads(), 2);
    assert_eq!(get(&cache, "one").await, Err(TokenError::UnknownKey));
}

#[tokio::test(start_paused = true)]
async fn known_keys_are_used_for_a_day_while_the_provider_is_away() {
    let source = Shared::publishing("one");
    let cache = source.cache();
    assert_eq!(get(&cache, "one").await, Ok(()));
    source.set(None);
    for _ in 0..23 {
        pass(3600).await;
        assert_eq!(get(&cache, "one").await, Ok(()));
        // The load in the background.
        tokio::task::yield_now().await;
    }
    assert_eq!(source.loads(), 24, "once per request that found old keys");
    let unknown = get(&cache, "two").await;
    assert!(matches!(unknown, Err(TokenError::NoKeys(_))), "{unknown:?}");
    pass(3600).await;
    let too_old = get(&cache, "one").await;
    assert!(matches!(too_old, Err(TokenError::NoKeys(_))), "{too_old:?}");
    source.set(Some("one"));
    pass(10).await;
    assert_eq!(get(&cache, "one").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn without_the_provider_an_unknown_key_can_be_tried_again_later() {
    let source = Shared::publishing("one");
    source.set(None);
    let cache = source.cache();
    let wait = Duration::from_secs(10);
    assert_eq!(get(&cache, "one").await, Err(TokenError::NoKeys(wait)));
    pass(4).await;
    let wait = Duration::from_secs(6);
    assert_eq!(get(&cache, "one").await, Err(TokenError::NoKeys(wait)));
    assert_eq!(source.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_load_is_limited_and_known_keys_need_none() {
    let source = Shared::publishing("one");
    let cache = source.cache();
    assert_eq!(get(&cache, "one").await, Ok(()));
    source.0.gate.forget_permits(1000);
    pass(600).await;
    assert_eq!(get(&cache, "one").await, Ok(()), "loads in the background");
    let unknown = get(&cache, "two").await;
    assert_eq!(unknown, Err(TokenError::NoKeys(MIN_INTERVAL)));
    assert_eq!(get(&cache, "one").await, Ok(()));
    assert_eq!(source.loads(), 2);
}
