//! Reserves what a request is expected to use of its caller's limits. The ledger settles it.

use super::Gateway;
use super::prepare::{PendingRequest, PreparedRequest};
use crate::catalog::ModelTarget;
use crate::error::ApiError;
use crate::identity::Caller;
use crate::limits::{Demand, ExpectedCost, OutputSize, PromptSize};
use crate::models::{Tier, Tokens};
use crate::usage::Ledger;

/// What the calls of a request that generates tokens say about their size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSize {
    /// The prompt of each call.
    pub(crate) prompt: PromptSize,
    /// The output of each call.
    pub(crate) output: OutputSize,
    /// The number of calls.
    pub(crate) calls: u32,
    /// The requested service tier.
    pub(crate) tier: Tier,
    /// Whether the table's price applies.
    pub(crate) has_price: bool,
}

impl CallSize {
    /// One call at the table's price.
    pub(crate) fn of(prompt: PromptSize, output: OutputSize) -> Self {
        Self {
            prompt,
            output,
            calls: 1,
            tier: Tier::Default,
            has_price: true,
        }
    }
}

impl Gateway {
    /// Reserves `demand`, in addition to what the request has reserved before.
    pub(crate) fn reserve(
        &self,
        caller: &Caller,
        demand: &Demand,
        ledger: &Ledger,
    ) -> Result<(), ApiError> {
        match &caller.profile().limits {
            Some(limits) => ledger.reserve(limits, demand),
            None => Ok(()),
        }
    }

    /// What calls of `caller` to `target` are expected to use.
    pub(crate) fn token_demand(
        &self,
        caller: &Caller,
        target: &ModelTarget,
        size: impl FnOnce() -> CallSize,
    ) -> Demand {
        let Some(limits) = &caller.profile().limits else {
            return Demand::free();
        };
        let CallSize {
            prompt,
            output,
            calls,
            tier,
            has_price,
        } = size();
        let tokens = limits.expect(&target.model.shared(), prompt, output, calls);
        let calls = u64::from(calls.max(1));
        let of_call = Tokens {
            input: tokens.input / calls,
            output: tokens.output / calls,
            ..Tokens::default()
        };
        let price = target.model_info.price.as_ref().filter(|_| has_price);
        let cost = price.and_then(|price| price.cost(&of_call, tier));
        Demand {
            tokens: Some(tokens),
            cost: cost.map(|cost| ExpectedCost {
                input: cost.input.times(calls),
                output: cost.output.times(calls),
            }),
        }
    }

    /// What a prepared chat request is expected to use.
    pub(super) fn chat_demand<R>(
        &self,
        pending: &PendingRequest<R>,
        prepared: &PreparedRequest,
    ) -> Demand {
        self.token_demand(&pending.caller, &pending.target, || {
            let limit = pending.target.model_info.output_limit;
            let max = match (prepared.max_tokens, limit) {
                (Some(max), Some(limit)) => Some(max.min(limit)),
                (max, _) => max,
            };
            CallSize {
                prompt: prepared.prompt,
                output: max.map_or(OutputSize::Unknown, |max| OutputSize::UpTo(max.into())),
                calls: prepared.output_options.choices,
                tier: prepared.tier.map_or(Tier::Default, Tier::named),
                has_price: prepared.has_price,
            }
        })
    }
}
