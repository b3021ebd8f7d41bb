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
    pub(super) refused: Refusal,
}

impl Pipeline {
    /// Sends each of the bodies, some at once, and gives the responses in their order. The first that
    /// fails ends all of them, and is told: nothing is answered by halves.
    ///
    /// The limits of `target` let the request in with its first call, or refuse it, unless it comes
    /// with a `permit`; its further calls wait for their turn.
    pub(super) async fn fan_out<Asked, T>(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        outgoing: Outgoing,
        record: &Record,
        permit: Option<Permit>,
        ask: impl Fn(Bytes) -> Asked,
    ) -> Result<(Vec<T>, Option<RateState>), FailedCall>
    where
        Asked: Future<Output = Result<T, UpstreamError>>,
    {
        let Outgoing {
            bodies,
            memory: _memory,
        } = outgoing;
        let permit = match permit {
            Some(permit) => Ok(permit),
            None => self.admit(caller, target, record).await,
        };
        let permit = permit.map_err(|refused| FailedCall {
            position: None,
            refused,
        })?;
        let rate = permit.rate();
        let (_caller, first) = Permit::into_parts(permit);
        let turns = std::iter::once(Some(first)).chain(std::iter::repeat_with(|| None));
        let bodies = bodies.into_iter().zip(turns).enumerate();
        let calls = bodies.map(|(position, (body, turn))| {
            let asked = ask(body);
            async move {
                let _turn = match turn {
                    Some(turn) => turn,
                    None => self.limiter.turn(target).await,
                };
                asked.await.map_err(|failure| (position, failure))
            }
        });
        let answers = stream::iter(calls).buffered(AT_ONCE).try_collect().await;
        let answers = answers.map_err(|(position, failure)| FailedCall {
            position: Some(position),
            refused: self.received(failure, None, record).into(),
        })?;
        Ok((answers, rate))
    }
}
