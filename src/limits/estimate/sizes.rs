use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

/// Buckets per doubling.
const STEPS: u32 = 4;

/// Up to 2^20 tokens.
const BUCKETS: usize = 20 * STEPS as usize + 1;

/// When the counts are halved, so that old responses fade.
const MAX_RESPONSES: u32 = 1024;

/// The fewest responses that a quantile is taken from.
const MIN_RESPONSES: u32 = 20;

/// The 95th percentile of the lengths of responses, as a stream: a histogram whose buckets grow by
/// a quarter of each doubling. Concurrent updates may lose a count, which changes little.
#[derive(Debug)]
pub(super) struct OutputSizes {
    counts: [AtomicU16; BUCKETS],
    responses: AtomicU32,
    /// 0 if there are too few responses.
    p95: AtomicU32,
}

impl Default for OutputSizes {
    fn default() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU16::new(0)),
            responses: AtomicU32::new(0),
            p95: AtomicU32::new(0),
        }
    }
}

impl OutputSizes {
    /// The 95th percentile, rounded up to the end of its bucket; `None` with too few responses.
    pub(super) fn p95(&self) -> Option<u64> {
        match self.p95.load(Ordering::Relaxed) {
            0 => None,
            tokens => Some(tokens.into()),
        }
    }

    /// Counts a response of `tokens`.
    pub(super) fn record(&self, tokens: u64) {
        if let Some(count) = self.counts.get(bucket_of(tokens)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let responses = self.responses.fetch_add(1, Ordering::Relaxed) + 1;
        if responses >= MAX_RESPONSES {
            self.fade();
        }
        if responses >= MIN_RESPONSES {
            self.p95.store(self.quantile(), Ordering::Relaxed);
        }
    }

    fn quantile(&self) -> u32 {
        let counts = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let total: u32 = counts.clone().map(u32::from).sum();
        let mut above = total / 20;
        let mut last = 0;
        for (bucket, count) in counts.enumerate().rev() {
            last = bucket;
            match above.checked_sub(count.into()) {
                Some(rest) => above = rest,
                None => break,
            }
        }
        end_of(last)
    }

    fn fade(&self) {
        let mut left = 0;
        for count in &self.counts {
            let half = count.load(Ordering::Relaxed) / 2;
            count.store(half, Ordering::Relaxed);
            left += u32::from(half);
        }
        self.responses.store(left, Ordering::Relaxed);
    }
}

fn bucket_of(tokens: u64) -> usize {
    let tokens = tokens.min(1 << 20);
    let Some(octave) = tokens.checked_ilog2() else {
        return 0;
    };
    let within = ((tokens - (1 << octave)) * u64::from(STEPS)) >> octave;
    let bucket = 1 + u64::from(octave * STEPS) + within;
    usize::try_from(bucket).unwrap_or(BUCKETS).min(BUCKETS - 1)
}

/// The largest number of tokens in a bucket, at least 1.
fn end_of(bucket: usize) -> u32 {
    let Some(bucket) = (bucket as u32).checked_sub(1) else {
        return 1;
    };
    let (octave, within) = (bucket / STEPS, bucket % STEPS);
    let end = (u64::from(STEPS + within + 1) << octave).div_ceil(STEPS.into());
    u32::try_from(end - 1).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_is_within_a_quarter() {
        let mut random = fastrand::Rng::with_seed(7);
        for scale in [3, 100, 4_000, 60_000] {
            let sizes = OutputSizes::default();
            let mut all: Vec<u64> = (0..500).map(|_| random.u64(1..=scale)).collect();
            all.iter().for_each(|tokens| sizes.record(*tokens));
            all.sort_unstable();
            let exact = all[474];
            let learned = sizes.p95().expect("enough responses");
            assert!(learned >= exact, "{learned} for {exact}");
            assert!(learned <= exact + exact / 4 + 1, "{learned} for {exact}");
        }
    }

    #[test]
    fn few_responses_have_no_percentile_and_old_ones_fade() {
        let sizes = OutputSizes::default();
        (1..MIN_RESPONSES).for_each(|_| sizes.record(10_000));
        assert_eq!(sizes.p95(), None);
        sizes.record(10_000);
        assert!(sizes.p95() >= Some(10_000));
        (0..4 * MAX_RESPONSES).for_each(|_| sizes.record(100));
        assert!(sizes.p95() < Some(130), "{:?}", sizes.p95());
    }

    #[test]
    fn every_size_is_within_its_bucket() {
        for tokens in (0..5000).chain([131_072, 1_000_000]) {
            let end = u64::from(end_of(bucket_of(tokens)));
            assert!(
                tokens <= end && end <= tokens + tokens / 4 + 1,
                "{tokens} {end}"
            );
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }
}
