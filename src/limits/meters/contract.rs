//! What every meter does, whatever it counts and wherever it counts it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::thread;

use super::{Bucket, InFlight, Meter, Moment, PerMinute};

const LIMIT: u32 = 60;
const NOW: Moment = Moment {
    nanos: 1_000_000_000,
    unix_ms: 1_790_000_000_000,
};

/// Runs the suite over meters from `create`, each with a limit of 60.
pub(in crate::limits) fn holds_for<M>(limit: M::Limit, create: impl Fn() -> M)
where
    M: Meter + Send + Sync + 'static,
    M::Limit: Send + 'static,
    M::Receipt: std::fmt::Debug + PartialEq,
{
    let cost = u64::from(LIMIT);
    let meter = create();
    let receipt = meter.reserve(limit, cost, NOW).expect("all of it");
    let full = meter.check(limit, 1, NOW).expect_err("nothing is left");
    assert_eq!(full.used, cost);
    assert_eq!(meter.reserve(limit, 1, NOW).err(), Some(full));
    meter.settle(receipt, 0, NOW);
    let again = meter.reserve(limit, cost, NOW);
    assert!(again.is_ok(), "what is given back at once is available");

    let meter = create();
    assert!(meter.reserve(limit, cost - 1, NOW).is_ok());
    for _ in 0..3 {
        assert!(meter.reserve(limit, 2, NOW).is_err());
        assert!(
            meter.check(limit, 1, NOW).is_ok(),
            "a refusal writes nothing"
        );
    }

    let meter = Arc::new(create());
    let admitted = (0..8).map(|_| {
        let meter = Arc::clone(&meter);
        thread::spawn(move || {
            (0..LIMIT)
                .filter(|_| meter.reserve(limit, 1, NOW).is_ok())
                .count()
        })
    });
    let threads: Vec<_> = admitted.collect();
    let admitted: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("a count"))
        .sum();
    assert_eq!(admitted, LIMIT as usize, "threads share the limit exactly");
}

#[test]
fn the_contract_holds_for_rates() {
    let rate = PerMinute::new(u64::from(LIMIT)).expect("a rate");
    holds_for(rate, Bucket::default);
}

#[test]
fn the_contract_holds_for_concurrent_requests() {
    let limit = NonZeroU32::new(LIMIT).expect("a limit");
    holds_for(limit, InFlight::default);
}
