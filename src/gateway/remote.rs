//! Fetches remote files after the limits have admitted the request and before its translation: the
//! rate limits of a caller also limit its downloads.

use std::sync::Arc;

use super::Gateway;
use crate::converse::dialect::DialectRequest;
use crate::converse::media::{RemoteAddress, RemoteFiles};
use crate::error::ApiError;
use crate::gateway::prepare::PendingRequest;
use crate::identity::Caller;
use crate::limits::Permit;
use crate::resources::body_memory::BodyPermit;
use crate::usage::Ledger;

impl Gateway {
    /// Fetches the remote files of a request of `caller` to `target`, within its memory. If there
    /// are any, the request is admitted first.
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
        let permit = self.admit(caller, target, ledger).await?;
        let memory = memory.files();
        let fetching = (self.fetcher).remote_files(caller.name(), addresses, Some(&memory));
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
        let permit = self.admit(&pending.caller, target, ledger).await?;
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
        let caller = pending.caller.name();
        let fetching = (self.fetcher).remote_files(caller, addresses, memory.as_deref());
        let fetched = Box::pin(fetching).await;
        pending.fetched = fetched.map_err(|error| error.named(pending.names()))?;
        Ok(())
    }
}
