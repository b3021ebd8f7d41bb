//! Waits for the limits, which also apply to the downloads of a request: files at URLs are fetched
//! once a request is admitted, and before it is translated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Gateway, PendingRequest};
use crate::catalog::ModelTarget;
use crate::converse::dialect::DialectRequest;
use crate::converse::media::{RemoteAddress, RemoteFiles};
use crate::error::ApiError;
use crate::identity::Caller;
use crate::limits::{CallPermit, Demand, Permit, WhenFull};
use crate::resources::body_memory::BodyPermit;
use crate::usage::Ledger;

/// The shortest wait for the limits that is reported.
const MIN_QUEUED: Duration = Duration::from_millis(1);

impl Gateway {
    /// Admits a request with one call, which may have to wait, and reserves `demand` before.
    pub(crate) async fn admit(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        demand: &Demand,
        ledger: &Ledger,
    ) -> Result<Permit, ApiError> {
        self.reserve(caller, demand, ledger)?;
        let calls = (1, WhenFull::Wait);
        self.admit_calls(caller, target, calls, ledger).await
    }

    /// Admits the calls of a request that has reserved what it needs.
    pub(super) async fn admit_calls(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        (calls, when_full): (u32, WhenFull),
        ledger: &Ledger,
    ) -> Result<Permit, ApiError> {
        let began = Instant::now();
        let admitted = self
            .limiter
            .admit(caller.id(), target, calls, when_full)
            .await;
        let waited = began.elapsed();
        if waited >= MIN_QUEUED {
            ledger.queued(waited);
        }
        ledger.note_rates(match &admitted {
            Ok(permit) => permit.rates(),
            Err(refusal) => refusal.rates,
        });
        admitted.map_err(|refusal| {
            ledger.refused_by(refusal.limit);
            refusal.error
        })
    }

    /// Admits one call to `target` that belongs to no caller. Requests of waiting clients have
    /// priority.
    pub(crate) async fn admit_call(&self, target: &ModelTarget) -> CallPermit {
        self.limiter.admit_call(&target.model.shared()).await
    }

    /// Fetches the remote files of a request of `caller` to `target`, within its memory. If there
    /// are any, the request is admitted first, and reserves what it needs later.
    pub(crate) async fn fetch_admitted(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        addresses: Vec<RemoteAddress>,
        memory: &mut BodyPermit,
        ledger: &Ledger,
    ) -> Result<(RemoteFiles, Option<Permit>), ApiError> {
        if addresses.is_empty() {
            return Ok((RemoteFiles::new(), None));
        }
        let permit = self.admit(caller, target, &Demand::free(), ledger).await?;
        let memory = memory.files();
        let fetching = (self.fetcher).remote_files(caller.id(), addresses, Some(&memory));
        Ok((Box::pin(fetching).await?, Some(permit)))
    }

    /// The same for a pending request, which stores the files.
    pub(super) async fn fetch_for_pending<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
        target: &Arc<str>,
        ledger: &Ledger,
    ) -> Result<Option<Permit>, ApiError> {
        let addresses = pending.remote_addresses();
        if addresses.is_empty() {
            return Ok(None);
        }
        let free = Demand::free();
        let permit = self.admit(&pending.caller, target, &free, ledger).await?;
        self.fetch_into(pending, addresses).await?;
        Ok(Some(permit))
    }

    /// The same for an admitted pending request.
    pub(crate) async fn fetch_for_admitted<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
    ) -> Result<(), ApiError> {
        let addresses = pending.remote_addresses();
        if !addresses.is_empty() {
            self.fetch_into(pending, addresses).await?;
        }
        Ok(())
    }

    async fn fetch_into<R: DialectRequest>(
        &self,
        pending: &mut PendingRequest<R>,
        addresses: Vec<RemoteAddress>,
    ) -> Result<(), ApiError> {
        let memory = pending.permit.as_mut().map(BodyPermit::files);
        let caller = pending.caller.id();
        let fetching = (self.fetcher).remote_files(caller, addresses, memory.as_deref());
        let fetched = Box::pin(fetching).await;
        pending.fetched = fetched.map_err(|error| error.named(pending.names()))?;
        Ok(())
    }
}
