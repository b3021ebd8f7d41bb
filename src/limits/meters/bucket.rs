use std::num::NonZeroU64;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{Full, Meter, Moment};

/// The burst: what a full minute allows may come at once.
const BURST_NANOS: i64 = 60_000_000_000;

/// The meter of a rate, in requests or tokens, as the generic cell rate algorithm has it.
///
/// Its only number is the theoretical arrival time: when everything reserved so far would have been
/// used up at exactly the rate. A reservation moves it into the future by at most a burst. What is
/// given back moves it back, but only by what time has not restored already: otherwise a
/// reservation that is given back a minute later would be allowed twice. Debt moves it forward
/// without a bound, and later requests wait it out.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    /// In nanoseconds, on the clock of [`Moment::nanos`].
    arrival: AtomicI64,
}

/// A rate: units per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerMinute(NonZeroU64);

/// What a bucket has reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BucketReceipt {
    rate: PerMinute,
    cost: u64,
    /// The arrival time after the reservation.
    until: i64,
}

impl PerMinute {
    /// A rate of `units` per minute; `None` for 0.
    pub(crate) fn new(units: u64) -> Option<Self> {
        NonZeroU64::new(units).map(Self)
    }

    /// The units per minute.
    pub(crate) fn units(self) -> u64 {
        self.0.get()
    }

    /// The time in which the rate allows `units`, rounded up.
    fn nanos(self, units: u64) -> i64 {
        let nanos = i128::from(units) * i128::from(BURST_NANOS);
        let rate = i128::from(self.units());
        // A thousandth of the type's range, so that no sum overflows.
        const MAX: i128 = i64::MAX as i128 / 1000;
        ((nanos + rate - 1) / rate).min(MAX) as i64
    }

    /// The whole units that the rate allows in `nanos`.
    fn units_in(self, nanos: i64) -> u64 {
        let units = i128::from(nanos.max(0)) * i128::from(self.units()) / i128::from(BURST_NANOS);
        units as u64
    }
}

impl Bucket {
    /// What is left of a full minute's units.
    pub(crate) fn remaining(&self, rate: PerMinute, now: Moment) -> u64 {
        rate.units_in(BURST_NANOS.saturating_sub(self.ahead(now)))
    }

    /// The time until the bucket is full again.
    pub(crate) fn reset(&self, now: Moment) -> Duration {
        Duration::from_nanos(self.ahead(now).unsigned_abs())
    }

    /// How far the arrival time is in the future.
    fn ahead(&self, now: Moment) -> i64 {
        (self
            .arrival
            .load(Ordering::Relaxed)
            .saturating_sub(now.nanos))
        .max(0)
    }

    /// The arrival time after another `cost`, if the burst allows it.
    fn next(arrival: i64, rate: PerMinute, cost: u64, now: Moment) -> Result<i64, Full> {
        let arrival = arrival.max(now.nanos);
        let next = arrival.saturating_add(rate.nanos(cost));
        let over = next.saturating_sub(now.nanos).saturating_sub(BURST_NANOS);
        if over <= 0 {
            return Ok(next);
        }
        let left = rate.units_in(BURST_NANOS.saturating_sub(arrival.saturating_sub(now.nanos)));
        Err(Full {
            used: rate.units().saturating_sub(left),
            wait: (cost <= rate.units()).then(|| Duration::from_nanos(over.unsigned_abs())),
        })
    }

    fn update(&self, change: impl Fn(i64) -> i64) {
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        while let Err(changed) = self.arrival.compare_exchange_weak(
            arrival,
            change(arrival),
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            arrival = changed;
        }
    }
}

impl Meter for Bucket {
    type Limit = PerMinute;
    type Receipt = BucketReceipt;

    fn check(&self, rate: PerMinute, cost: u64, now: Moment) -> Result<(), Full> {
        let arrival = self.arrival.load(Ordering::Relaxed);
        Self::next(arrival, rate, cost, now).map(|_| ())
    }

    fn reserve(&self, rate: PerMinute, cost: u64, now: Moment) -> Result<BucketReceipt, Full> {
        let mut arrival = self.arrival.load(Ordering::Relaxed);
        loop {
            let until = Self::next(arrival, rate, cost, now)?;
            let swapped = self.arrival.compare_exchange_weak(
                arrival,
                until,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match swapped {
                Ok(_) => return Ok(BucketReceipt { rate, cost, until }),
                Err(changed) => arrival = changed,
            }
        }
    }

    fn settle(&self, receipt: BucketReceipt, used: u64, now: Moment) {
        let BucketReceipt { rate, cost, until } = receipt;
        match used.checked_sub(cost) {
            Some(0) => {}
            Some(more) => {
                let more = rate.nanos(more);
                self.update(|arrival| arrival.max(now.nanos).saturating_add(more));
            }
            None => {
                let unused = rate.nanos(cost).saturating_sub(rate.nanos(used));
                let unrestored = until.saturating_sub(now.nanos).max(0);
                let back = unused.min(unrestored);
                self.update(|arrival| arrival.saturating_sub(back));
            }
        }
    }
}

impl BucketReceipt {
    /// The receipt of a request that reserves nothing, and may use something.
    pub(crate) fn of_nothing(rate: PerMinute) -> Self {
        Self {
            rate,
            cost: 0,
            until: i64::MIN,
        }
    }

    /// The receipt of this reservation and of a later one together.
    #[must_use]
    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            cost: self.cost.saturating_add(later.cost),
            until: self.until.max(later.until),
            ..later
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::thread;
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn at(nanos: i64) -> Moment {
        Moment { nanos, unix_ms: 0 }
    }

    fn rate(units: u64) -> PerMinute {
        PerMinute::new(units).expect("a rate")
    }

    #[test]
    fn a_full_burst_is_admitted_and_the_wait_is_exact() {
        let (bucket, rate) = (Bucket::default(), rate(60));
        for left in (0..60).rev() {
            assert!(bucket.reserve(rate, 1, at(0)).is_ok());
            assert_eq!(bucket.remaining(rate, at(0)), left);
        }
        let refused = bucket.reserve(rate, 3, at(0)).expect_err("no room");
        assert_eq!(
            (refused.used, refused.wait),
            (60, Some(Duration::from_secs(3)))
        );
        assert!(bucket.check(rate, 3, at(3 * SECOND - 1)).is_err());
        assert!(bucket.reserve(rate, 3, at(3 * SECOND)).is_ok());
        assert_eq!(bucket.reset(at(3 * SECOND)), Duration::from_secs(60));
    }

    #[test]
    fn a_late_give_back_creates_nothing() {
        let (bucket, rate) = (Bucket::default(), rate(60));
        let first = bucket.reserve(rate, 60, at(0)).expect("room");
        let minute = at(60 * SECOND);
        assert!(bucket.reserve(rate, 60, minute).is_ok());
        bucket.settle(first, 0, minute);
        assert!(
            bucket.check(rate, 1, minute).is_err(),
            "time had restored it"
        );
    }

    #[test]
    fn an_early_give_back_is_available_at_once() {
        let (bucket, rate) = (Bucket::default(), rate(60));
        let receipt = bucket.reserve(rate, 60, at(0)).expect("room");
        bucket.settle(receipt, 10, at(SECOND));
        assert_eq!(bucket.remaining(rate, at(SECOND)), 51);
    }

    #[test]
    fn debt_is_waited_out() {
        let (bucket, rate) = (Bucket::default(), rate(60));
        let receipt = bucket.reserve(rate, 1, at(0)).expect("room");
        bucket.settle(receipt, 180, at(0));
        let refused = bucket.check(rate, 1, at(0)).expect_err("in debt");
        assert_eq!(refused.wait, Some(Duration::from_secs(121)));
        assert_eq!((refused.used, bucket.remaining(rate, at(0))), (60, 0));
    }

    #[test]
    fn a_cost_above_the_limit_never_fits() {
        let (bucket, rate) = (Bucket::default(), rate(60));
        let refused = bucket.reserve(rate, 61, at(0)).expect_err("too large");
        assert_eq!((refused.used, refused.wait), (0, None));
    }

    #[test]
    fn a_changed_rate_keeps_the_fill() {
        let bucket = Bucket::default();
        assert!(bucket.reserve(rate(60), 30, at(0)).is_ok());
        assert_eq!(
            bucket.remaining(rate(600), at(0)),
            300,
            "half of it is left"
        );
    }

    #[derive(Debug, Clone)]
    enum Step {
        Reserve(u64),
        /// Settles one of the open reservations with a share of its cost, in percent.
        Settle(usize, u64),
        Wait(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u64..2000).prop_map(Step::Reserve),
            (any::<usize>(), 0u64..300).prop_map(|(which, share)| Step::Settle(which, share)),
            (0i64..90_000).prop_map(|ms| Step::Wait(ms * 1_000_000)),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        /// Debt is admitted too, but only once it is used: what is reserved never exceeds the rest.
        #[test]
        fn no_more_is_admitted_than_the_burst_and_the_rate(units in 1u64..3000, steps in steps()) {
            let (bucket, rate) = (Bucket::default(), rate(units));
            let mut now = 0;
            let mut open = Vec::new();
            let mut admitted: i128 = 0;
            for step in steps {
                match step {
                    Step::Wait(nanos) => now += nanos,
                    Step::Reserve(cost) => {
                        let before = bucket.arrival.load(Ordering::Relaxed);
                        match bucket.reserve(rate, cost, at(now)) {
                            Ok(receipt) => {
                                admitted += i128::from(cost);
                                open.push((receipt, cost));
                                let allowed = i128::from(units) * i128::from(BURST_NANOS + now);
                                prop_assert!(admitted * i128::from(BURST_NANOS) <= allowed);
                            }
                            Err(refused) => {
                                let after = bucket.arrival.load(Ordering::Relaxed);
                                prop_assert_eq!(before, after, "a refusal writes nothing");
                                if let Some(wait) = refused.wait {
                                    let then = at(now + wait.as_nanos() as i64);
                                    prop_assert!(bucket.check(rate, cost, then).is_ok());
                                }
                            }
                        }
                    }
                    Step::Settle(which, share) if !open.is_empty() => {
                        let (receipt, cost) = open.swap_remove(which % open.len());
                        let used = cost * share / 100;
                        let before = bucket.remaining(rate, at(now));
                        bucket.settle(receipt, used, at(now));
                        admitted += i128::from(used) - i128::from(cost);
                        let restored = bucket.remaining(rate, at(now)).saturating_sub(before);
                        prop_assert!(restored <= cost.saturating_sub(used).saturating_add(1));
                        if receipt.until <= now {
                            prop_assert_eq!(restored, 0, "a late give-back creates nothing");
                        }
                    }
                    Step::Settle(..) => {}
                }
            }
        }
    }

    #[test]
    fn threads_together_are_admitted_the_allowance_and_no_more() {
        const UNITS: u64 = 6_000_000;
        let (bucket, rate) = (Bucket::default(), rate(UNITS));
        let began = Instant::now();
        let nanos = || began.elapsed().as_nanos() as i64;
        let kept = AtomicU64::new(0);
        thread::scope(|scope| {
            for thread in 0..4u64 {
                let (bucket, kept) = (&bucket, &kept);
                scope.spawn(move || {
                    for turn in 0..100_000u64 {
                        let cost = 100 + (turn * 7 + thread) % 100;
                        let Ok(receipt) = bucket.reserve(rate, cost, at(nanos())) else {
                            continue;
                        };
                        // Every third is given back at once, half of it.
                        let used = if turn % 3 == 0 { cost / 2 } else { cost };
                        bucket.settle(receipt, used, at(nanos()));
                        kept.fetch_add(used, Ordering::Relaxed);
                    }
                });
            }
        });
        let allowed = u128::from(UNITS) * (60_000_000_000 + nanos() as u128) / 60_000_000_000;
        let kept = u128::from(kept.into_inner());
        assert!(kept <= allowed, "{kept} of {allowed}");
        assert!(kept * 100 >= u128::from(UNITS) * 99, "{kept} of {UNITS}");
    }
}
