//! Several concurrent calls for one request.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Gateway;
use super::request::UpstreamBodies;
use crate::bedrock::UpstreamError;
use crate::error::{ApiError, RateState};
use crate::identity::Caller;
use crate::limits::Permit;
use crate::usage::Ledger;

/// The maximum number of concurrent calls of a request.
const MAX_CONCURRENT_CALLS: usize = 8;

/// The failed call that ended all calls of its request.
#[derive(Debug)]
pub(crate) struct FailedCall {
    /// Its index among the calls; `None` if the limits refused the request.
    pub(crate) position: Option<usize>,
    pub(crate) error: ApiError,
}

impl Gateway {
    /// Sends the bodies, several concurrently, and returns the responses in their order. The first
    /// failure cancels the other calls, and is returned: there are no partial responses.
    ///
    /// The limits of `target` admit or refuse the request with its first call, unless it already
    /// has a `permit`; further calls wait for a slot.
    pub(crate) async fn fan_out<Fut, T>(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        upstream_bodies: UpstreamBodies,
        ledger: &Ledger,
        permit: Option<Permit>,
        send: impl Fn(Bytes) -> Fut,
    ) -> Result<(Vec<T>, Option<RateState>), FailedCall>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        let UpstreamBodies {
            bodies,
            memory: _memory,
        } = upstream_bodies;
        let permit = match permit {
            Some(permit) => Ok(permit),
            None => self.admit(caller, target, ledger).await,
        };
        let permit = permit.map_err(|error| FailedCall {
            position: None,
            error,
        })?;
        let rate = permit.rate();
        let (_caller, first) = Permit::into_parts(permit);
        let call_permits = std::iter::once(Some(first)).chain(std::iter::repeat_with(|| None));
        let bodies = bodies.into_iter().zip(call_permits).enumerate();
        let calls = bodies.map(|(position, (body, call_permit))| {
            let call = send(body);
            async move {
                let _call_permit = match call_permit {
                    Some(call_permit) => call_permit,
                    None => self.limiter.admit_call(target).await,
                };
                call.await.map_err(|error| (position, error))
            }
        });
        let responses = stream::iter(calls)
            .buffered(MAX_CONCURRENT_CALLS)
            .try_collect()
            .await;
        let responses = responses.map_err(|(position, error)| FailedCall {
            position: Some(position),
            error: self.received(error, None, ledger),
        })?;
        Ok((responses, rate))
    }
}
