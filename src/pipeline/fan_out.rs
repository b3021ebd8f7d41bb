//! Several calls for one request, some at once.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::Pipeline;
use crate::bedrock::Failure;
use crate::identity::Caller;
use crate::limits::{Permit, RateState, Refused};
use crate::record::Record;

/// Calls that one request has under way at the most.
const AT_ONCE: usize = 8;

/// A call that has ended all calls of its request.
#[derive(Debug)]
pub(super) struct FailedCall {
    /// Its place among them; nothing where the limits let none through.
    pub(super) position: Option<usize>,
    /// What the client hears.
    pub(super) refused: Refused,
}

impl Pipeline {
    /// Asks for each of `items`, some at once, and gives the answers in their order. The first that
    /// fails ends all of them, and is told: nothing is answered by halves.
    ///
    /// The limits of `target` let the request in with its first call, or refuse it, unless it comes
    /// with a `permit`; its further calls wait for their turn.
    pub(super) async fn fan_out<Item, Asked, T>(
        &self,
        caller: &Caller,
        target: &Arc<str>,
        items: Vec<Item>,
        record: &Record,
        permit: Option<Permit>,
        ask: impl Fn(Item) -> Asked,
    ) -> Result<(Vec<T>, Option<RateState>), FailedCall>
    where
        Asked: Future<Output = Result<T, Failure>>,
    {
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
        let items = items.into_iter().zip(turns).enumerate();
        let calls = items.map(|(position, (item, turn))| {
            let asked = ask(item);
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
