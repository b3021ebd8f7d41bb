//! The memory of keys that a gateway has read from the store.

use std::sync::Arc;

use outcrop::allowances::Allowance;
use outcrop::config::Config;
use outcrop::identity::administration::{Administration, KeySettings, NewKey};
use outcrop::identity::{Callers, KeyFollower};
use outcrop::limits::{BudgetSettings, LimitRegistry, ThresholdQueue};
use outcrop::store::Store;

use super::{MEASURING, MEMORY};

/// The number of keys, half of them with a limit of their own.
const KEYS: usize = 1024;

/// The maximum memory of a key, in bytes.
const MAX_PER_KEY: usize = 2048;

#[tokio::test]
async fn a_key_of_the_store_takes_less_than_two_kilobytes() {
    let _measuring = MEASURING.lock().await;
    let name = format!("outcrop-memory-{:016x}.db", fastrand::u64(..));
    let store = Arc::new(Store::at(&std::env::temp_dir().join(name)));
    let command = Administration::new(&Config::default(), Arc::clone(&store));
    let team = command.create_team("research", Default::default(), 0).await;
    team.expect("a team");
    for number in 0..KEYS {
        let mut allowance = Allowance::default();
        allowance.usage.requests_per_minute = (number % 2 == 0).then_some(60);
        let new = NewKey {
            name: format!("key number {number}"),
            team: Some("research".to_owned()),
            user: Some(format!("user-{number}@example.com")),
            settings: KeySettings {
                allowance,
                ..KeySettings::default()
            },
        };
        command.create_key(new, 0).await.expect("a key");
    }
    let (queue, _) = ThresholdQueue::new();
    let limits = Arc::new(LimitRegistry::new(&BudgetSettings::default(), queue));
    let callers = Callers::new(&Config::default(), &limits);
    let before = MEMORY.current_usage();
    let mut follower = KeyFollower::new(&callers, store);
    follower.look().await.expect("a readable store");
    let per_key = MEMORY.current_usage().saturating_sub(before) / KEYS;
    assert!(callers.have_keys());
    println!("{per_key} bytes per key");
    assert!(per_key < MAX_PER_KEY, "{per_key} bytes per key");
}
