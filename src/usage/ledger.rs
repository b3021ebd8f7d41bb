//! The ledger of a request: whatever path the request takes reports here, and the record is settled
//! when the last reference is dropped, also if the client disconnects.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, MutexGuard};

use super::cost::{Charge, Cost};
use super::principal::Principal;
use super::queue::UsageQueue;
use super::record::{Identity, RequestError, RequestHead, RequestOutcome, Upstream, UsageRecord};
use super::target::Target;
use super::tokens::TokenCounts;
use crate::error::{ApiError, ErrorCode, bounded};
use crate::limits::{
    CalledModel, CallerLimits, Demand, RateLimits, RefusedLimit, Reservation, Settlement,
};
use crate::models::Tier;

/// The AWS request ids that a record keeps: a request can have thousands of calls.
const MAX_UPSTREAM_REQUEST_IDS: usize = 16;

/// The ledger of a request in flight, shared by its layers. Dropping the last reference settles it.
#[derive(Debug)]
pub struct Ledger {
    began: Instant,
    client_retries: u32,
    first_token: OnceLock<Duration>,
    /// The deltas of streams. A delta is about one token: an estimate for streams that never report
    /// their usage.
    deltas: AtomicU64,
    entries: Mutex<Entries>,
    queue: UsageQueue,
}

#[derive(Debug)]
struct Entries {
    record: UsageRecord,
    /// AWS's message, which can quote the request: it is in no record.
    unlogged_detail: String,
    /// What is reserved of the caller's limits; `None` without limits.
    reservation: Option<Box<Reservation>>,
    rates: RateLimits,
    waits: Waits,
}

/// What a request waits for that is not the gateway.
#[derive(Debug, Default)]
struct Waits {
    /// The waits that have ended.
    total: Duration,
    /// The calls to Bedrock in progress, and since when there is one: those of several choices count
    /// once.
    calls: u32,
    since: Duration,
}

/// A call to Bedrock in progress. The request waits for it until this is dropped.
#[derive(Debug)]
pub struct UpstreamWait<'a>(&'a Ledger);

impl Ledger {
    /// Opens the ledger of a request, whose record goes to `queue`.
    pub fn open(head: RequestHead, queue: &UsageQueue) -> Self {
        Self {
            began: Instant::now(),
            client_retries: head.client_retries,
            first_token: OnceLock::new(),
            deltas: AtomicU64::new(0),
            entries: Mutex::new(Entries {
                record: UsageRecord::new(head, SystemTime::now()),
                unlogged_detail: String::new(),
                reservation: None,
                rates: RateLimits::default(),
                waits: Waits::default(),
            }),
            queue: queue.clone(),
        }
    }

    /// The time since the request arrived.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The client's retry count, from the headers of its SDK.
    pub fn client_retries(&self) -> u32 {
        self.client_retries
    }

    /// The path matches `route`.
    pub fn routed(&self, route: impl Into<Cow<'static, str>>) {
        self.entries().record.route = route.into();
    }

    /// The request is one of `caller`, who has authenticated by `identity`.
    pub fn called_by(&self, caller: &Arc<Principal>, identity: Option<Identity>) {
        let mut entries = self.entries();
        entries.record.caller = Some(Arc::clone(caller));
        entries.record.identity = identity;
    }

    /// The key was rejected; `masked` has its first characters.
    pub fn key_rejected(&self, masked: Option<String>) {
        self.entries().record.rejected_key = masked;
    }

    /// The client's body has been read.
    pub fn body_read(&self, bytes: usize) {
        let arrived = self.elapsed();
        let mut entries = self.entries();
        entries.record.request_bytes = bytes as u64;
        entries.waits.total = arrived;
    }

    /// A call to Bedrock begins, with its retries.
    pub fn wait_for_upstream(&self) -> UpstreamWait<'_> {
        let now = self.elapsed();
        let waits = &mut self.entries().waits;
        if waits.calls == 0 {
            waits.since = now;
        }
        waits.calls = waits.calls.saturating_add(1);
        UpstreamWait(self)
    }

    /// The client requests the model `name`.
    pub fn model_requested(&self, name: &str) {
        self.entries().record.model = Some(name.to_owned());
    }

    /// The model name of the request.
    pub fn model(&self) -> Option<String> {
        self.entries().record.model.clone()
    }

    /// `target` is called.
    pub fn target(&self, target: impl Into<Target>) {
        self.entries().record.target = Some(target.into());
    }

    /// The request is translated; it asks for a stream, and for a service tier.
    pub fn translated(&self, stream: bool, tier: Option<Tier>, adjustments: Option<String>) {
        let mut entries = self.entries();
        entries.record.stream = stream;
        entries.record.tier_requested = tier;
        entries.record.adjustments = adjustments;
    }

    /// A limit has refused the request.
    pub fn refused_by(&self, limit: RefusedLimit) {
        self.entries().record.refused_limit = Some(limit);
    }

    /// Whether the response is streamed.
    pub fn streamed(&self, stream: bool) {
        self.entries().record.stream = stream;
    }

    /// The adjustments of the request.
    pub fn adjusted(&self, adjustments: Option<String>) {
        self.entries().record.adjustments = adjustments;
    }

    /// Reserves `demand` of the limits of the caller, in addition to what the request has reserved
    /// before. What it has used replaces that when the ledger is dropped.
    pub fn reserve(&self, limits: &Arc<CallerLimits>, demand: &Demand) -> Result<(), ApiError> {
        let mut entries = self.entries();
        let entries = &mut *entries;
        let now = limits.now();
        let reserved = match &mut entries.reservation {
            Some(reservation) => reservation.extend(demand, now),
            None => {
                let reserved = limits.reserve(entries.called_model(), demand, now);
                reserved.map(|new| entries.reservation = Some(Box::new(new)))
            }
        };
        if let Err(refusal) = reserved {
            entries.rates.merge(refusal.rates);
            entries.record.refused_limit = Some(refusal.limit);
            return Err(refusal.error);
        }
        if let Some(reservation) = &entries.reservation {
            entries.rates.merge(reservation.rates(now));
        }
        Ok(())
    }

    /// Counts the cost in the budgets of the caller when the ledger is dropped, for work that has
    /// ended already and is not refused any more.
    pub fn count_ended(&self, limits: &Arc<CallerLimits>) {
        let mut entries = self.entries();
        let ended = limits.reserve_ended(entries.called_model(), limits.now());
        entries.reservation = Some(Box::new(ended));
    }

    /// The record has this time instead of that of its arrival. Together with the request id it
    /// identifies the record, which is then stored once, however often it is settled.
    pub fn dated(&self, at: SystemTime) {
        self.entries().record.at = at;
    }

    /// The state of further rate limits that apply.
    pub fn note_rates(&self, rates: RateLimits) {
        self.entries().rates.merge(rates);
    }

    /// The state of the rate limits with the least left.
    pub fn rates(&self) -> RateLimits {
        self.entries().rates
    }

    /// The limits have let the request wait.
    pub fn queued(&self, waited: Duration) {
        let mut entries = self.entries();
        *entries.record.queued.get_or_insert_default() += waited;
        entries.waits.total += waited;
    }

    /// An attempt of a call to `upstream` in `region` begins.
    pub fn attempted(&self, upstream: Upstream, region: &Arc<str>) {
        let mut entries = self.entries();
        entries.record.upstream = Some(upstream);
        entries.record.region = Some(Arc::clone(region));
        entries.record.attempts = entries.record.attempts.saturating_add(1);
    }

    /// An attempt has failed, because Bedrock `throttled` it or for another reason.
    pub fn attempt_failed(&self, throttled: bool) {
        let failed = &mut self.entries().record.failed_attempts;
        let count = match throttled {
            true => &mut failed.throttled,
            false => &mut failed.other,
        };
        *count = count.saturating_add(1);
    }

    /// Whether Bedrock was called.
    pub fn was_sent(&self) -> bool {
        self.entries().record.attempts > 0
    }

    /// Bedrock has responded to an attempt.
    pub fn upstream_request_id(&self, id: &str) {
        let ids = &mut self.entries().record.upstream_request_ids;
        if ids.len() < MAX_UPSTREAM_REQUEST_IDS {
            ids.push(bounded::logged(id).into_owned());
        }
    }

    /// `deltas` of a stream have arrived.
    pub fn deltas(&self, deltas: u64) {
        if deltas == 0 {
            return;
        }
        if self.first_token.get().is_none() {
            let _ = self.first_token.set(self.elapsed());
        }
        self.deltas.fetch_add(deltas, Ordering::Relaxed);
    }

    /// The charge of all calls, which replaces an earlier one.
    pub fn charge(&self, charge: Charge) {
        let Charge {
            tokens,
            units,
            cost,
            tier,
        } = charge;
        let mut entries = self.entries();
        entries.record.tokens = tokens;
        entries.record.units = units;
        entries.record.cost = Some(cost);
        entries.record.tier_served = tier;
    }

    /// The cost; `None` until it is known.
    pub fn cost(&self) -> Option<Cost> {
        self.entries().record.cost
    }

    /// Parts of the response that the client does not receive: events without a counterpart in its
    /// API, and tool calls that the request does not allow.
    pub fn left_out(&self, undelivered: u64, withheld_calls: u64) {
        let mut entries = self.entries();
        entries.record.undelivered = undelivered;
        entries.record.withheld_calls = withheld_calls;
    }

    /// The model has stopped for `reason`.
    pub fn finished(&self, reason: &'static str, guardrail_intervened: bool) {
        let mut entries = self.entries();
        entries.record.finish_reason = Some(reason);
        entries.record.guardrail_intervened |= guardrail_intervened;
    }

    /// Bedrock failed with the error `code`. `unlogged_detail` can quote the request.
    pub fn upstream_failed(&self, code: String, detail: String, unlogged_detail: String) {
        let mut entries = self.entries();
        entries.record.error = Some(RequestError {
            code,
            detail,
            parameter: None,
        });
        entries.unlogged_detail = unlogged_detail;
    }

    /// The code of Bedrock's error, and AWS's message, which can quote the request.
    pub fn upstream_error(&self) -> Option<(String, String)> {
        let entries = self.entries();
        let error = entries.record.error.as_ref()?;
        Some((error.code.clone(), entries.unlogged_detail.clone()))
    }

    /// The client gets `error`. Messages that can quote the request are not recorded; the code and
    /// the path say what was wrong. Bedrock's own error takes precedence.
    pub fn failed(&self, error: &ApiError) {
        let parameter = error.path().map(|path| bounded::logged_path(&path));
        let mut entries = self.entries();
        let recorded = entries.record.error.get_or_insert_with(|| RequestError {
            code: error.code.map_or("", ErrorCode::as_str).to_owned(),
            detail: match error.kind.quotes_request() {
                true => String::new(),
                false => error.message.to_string(),
            },
            parameter: None,
        });
        recorded.parameter = parameter.or(recorded.parameter.take());
    }

    /// The response is complete, unless it broke before.
    pub fn completed(&self) {
        let outcome = &mut self.entries().record.outcome;
        if *outcome == RequestOutcome::Abandoned {
            *outcome = RequestOutcome::Completed;
        }
    }

    /// The stream ends with an error event.
    pub fn broken(&self) {
        self.entries().record.outcome = RequestOutcome::Broken;
    }

    /// The response has this status. An error response has no stream: it is complete.
    pub fn responded(&self, status: u16) {
        let elapsed = self.elapsed();
        let mut entries = self.entries();
        entries.record.status = Some(status);
        let own = elapsed.saturating_sub(entries.waits.total);
        entries.record.overhead = (entries.record.attempts > 0).then_some(own);
        drop(entries);
        if !(200..300).contains(&status) {
            self.completed();
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock()
    }
}

impl Drop for UpstreamWait<'_> {
    fn drop(&mut self) {
        let now = self.0.elapsed();
        let waits = &mut self.0.entries().waits;
        waits.calls = waits.calls.saturating_sub(1);
        if waits.calls == 0 {
            waits.total += now.saturating_sub(waits.since);
        }
    }
}

impl Entries {
    fn called_model(&self) -> CalledModel<'_> {
        CalledModel {
            requested: self.record.model.as_deref().unwrap_or_default(),
            id: self.record.target.as_ref().map_or("", Target::id),
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let duration = self.began.elapsed();
        let entries = self.entries.get_mut();
        let record = &mut entries.record;
        record.duration = duration;
        record.first_token = self.first_token.get().copied();
        let deltas = *self.deltas.get_mut();
        let is_reported = record.tokens.is_some() || record.units.is_some();
        let is_abandoned = record.outcome == RequestOutcome::Abandoned && record.attempts > 0;
        if !is_reported && (deltas > 0 || is_abandoned) {
            estimate(record, entries.reservation.as_deref(), deltas);
        }
        if let Some(reservation) = entries.reservation.take() {
            reservation.settle(settlement(record));
        }
        let empty = UsageRecord::new(RequestHead::default(), SystemTime::UNIX_EPOCH);
        self.queue.push(std::mem::replace(record, empty));
    }
}

/// Estimates what a response used that ended before Bedrock reported it. The prompt and the price
/// are known if limits have needed them.
fn estimate(record: &mut UsageRecord, reservation: Option<&Reservation>, deltas: u64) {
    let expected = reservation.map(|reservation| reservation.estimate(deltas));
    let (prompt, cost) = expected.unwrap_or_default();
    if deltas == 0 && cost.is_none() {
        return;
    }
    record.estimated = true;
    record.tokens = Some(TokenCounts {
        prompt,
        completion: deltas,
        ..TokenCounts::default()
    });
    record.cost = cost.map(|cost| Cost::uncached(Some(cost))).or(record.cost);
}

/// What a request has used, as limits count it.
fn settlement(record: &UsageRecord) -> Settlement {
    let tokens = record.tokens.unwrap_or_default();
    let is_reported = record.tokens.is_some() && !record.estimated;
    Settlement {
        tokens: tokens.limited(),
        cost: record.cost.and_then(Cost::total).unwrap_or_default(),
        reported: is_reported.then_some((tokens.prompt, tokens.completion)),
    }
}
