//! Several calls for one request, some at once.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::Pipeline;
use super::request::Outgoing;
use crate::bedrock::UpstreamError;
use crate::identity::Caller;
use crate::limits::{Permit, RateState, Refusal};
use crate::record::Record;

/// Calls that one request has under way at the most.
const AT_ONCE: usize = 8;

/// A call that has ended all calls of its request.
#[derive(Debug)]
pub(super) struct FailedCall {
    /// Its place among them; nothing where the limits let none through.
    pub(super) position: Option<usize>,
    /// What the client hears.
    pub(super) refusal: Refusal,
}

impl Pipeline {
    /// Sends each of the bodies, some at once, and gives the responses in their order. The first that
    /// fails ends all of them, and is told: nothing is answered by halves.
    ///
    /// The limits of `target` let the request in with its first call, or refuse it, unless it comes
    /// with a `permit`; its further calls wait for their turn.
    pub(super) async fn fan_out<Fut, T>(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        outgoing: Outgoing,
        record: &Record,
        permit: Option<Permit>,
        send: impl Fn(Bytes) -> Fut,
    ) -> Result<(Vec<T>, Option<RateState>), FailedCall>
    where
        Fut: Future<Output = Result<T, UpstreamError>>,
    {
        let Outgoing {
            bodies,
            memory: _memory,
        } = outgoing;
        let permit = match permit {
            Some(permit) => Ok(permit),
            None => self.admit(caller, target, record).await,
        };
        let permit = permit.map_err(|refusal| FailedCall {
            position: None,
            refusal,
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
        let responses = stream::iter(calls).buffered(AT_ONCE).try_collect().await;
        let responses = responses.map_err(|(position, error)| FailedCall {
            position: Some(position),
            refusal: self.received(error, None, record).into(),
        })?;
        Ok((responses, rate))
    }
}
