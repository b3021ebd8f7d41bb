//! What a job costs the owner of the batch: charged at the job's end, once, whatever happens.
//!
//! The time at which the job was first seen to have ended is stored before anything is charged. It
//! identifies the records of the job's usage, together with their ids, so that another attempt, after
//! a restart or by another gateway, finds what was charged already.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::requests::{BATCHES, batch_head};
use super::work::{Stop, Work};
use crate::batches::document::BatchPart;
use crate::bedrock::JobStatus;
use crate::error::ApiError;
use crate::limits::CalledModel;
use crate::models::{ModelId, Price, Tier};
use crate::usage::{Charge, Cost, Ledger, Target, TokenCounts, Upstream};

/// The usage of a job's records, by the name of the model that they use.
#[derive(Debug)]
pub(super) struct JobUsage {
    price: Option<Price>,
    of_names: Vec<NameUsage>,
}

#[derive(Debug)]
struct NameUsage {
    name: String,
    tokens: TokenCounts,
    cost: Cost,
}

impl JobUsage {
    fn new(part: &BatchPart, price: Option<Price>) -> Self {
        let of_name = |name: &String| NameUsage {
            name: name.clone(),
            tokens: TokenCounts::default(),
            cost: Cost::of_calls(std::iter::empty(), price.as_ref(), Tier::Batch),
        };
        let of_names = part.names.iter().map(of_name).collect();
        Self { price, of_names }
    }

    /// Adds a record. Without a name, it counts for the first one.
    pub(super) fn add(&mut self, name: Option<&str>, tokens: TokenCounts) {
        let named = |usage: &NameUsage| name == Some(&*usage.name);
        let position = self.of_names.iter().position(named).unwrap_or_default();
        let Some(usage) = self.of_names.get_mut(position) else {
            return;
        };
        usage.tokens.add(tokens);
        let call = std::iter::once(tokens);
        usage.cost = usage
            .cost
            .plus(Cost::of_calls(call, self.price.as_ref(), Tier::Batch));
    }
}

impl Work {
    /// Why the budgets of the owner do not allow a job for `part`; `None` if they do. A job reserves
    /// nothing, since nobody knows how much it will use.
    pub(super) async fn job_refusal(&self, part: &BatchPart) -> Result<Option<ApiError>, Stop> {
        let Some(limits) = &self.caller.profile().limits else {
            return Ok(None);
        };
        let has_price = self.shared.gateway().price(&part.model).await.is_some();
        for name in &part.names {
            let model = CalledModel {
                requested: name,
                id: &part.model,
            };
            match limits.check_budgets_for(model, has_price, limits.now()) {
                Ok(()) => {}
                // The window ends soon, or what was spent before is not known yet.
                Err(error) if error.retry_after.is_some() => {
                    return Err(Stop::Later(error.message.to_string()));
                }
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// The usage of the job of part `number`, to which its records are added.
    pub(super) async fn job_usage(&self, part: &BatchPart) -> JobUsage {
        JobUsage::new(part, self.shared.gateway().price(&part.model).await)
    }

    /// Charges the job of part `number`, which was first seen to have ended at `ended_at`, in Unix
    /// milliseconds.
    pub(super) async fn charge(
        &self,
        number: usize,
        ended_at: i64,
        usage: JobUsage,
    ) -> Result<(), Stop> {
        let Some(part) = self.document.parts.get(number) else {
            return Ok(());
        };
        if let Some(limits) = &self.caller.profile().limits
            && !limits.has_counted_all(limits.now())
        {
            // It could be counted here and among what was spent before.
            let reason = "what the owner has spent before is not known yet";
            return Err(Stop::Later(reason.to_owned()));
        }
        for (position, usage) in usage.of_names.into_iter().enumerate() {
            let id = match position {
                0 => format!("{}-{number}", self.id),
                _ if usage.tokens == TokenCounts::default() => continue,
                position => format!("{}-{number}-{position}", self.id),
            };
            if !self.shared.store.has_usage(ended_at, &id).await? {
                self.charge_name(id, ended_at, (number, part), usage);
            }
        }
        Ok(())
    }

    fn charge_name(
        &self,
        id: String,
        ended_at: i64,
        (number, part): (usize, &BatchPart),
        usage: NameUsage,
    ) {
        let NameUsage { name, tokens, cost } = usage;
        let ledger = Ledger::open(batch_head(id), &self.shared.usage_queue);
        ledger.dated(time_of(ended_at));
        ledger.routed(BATCHES);
        ledger.called_by(self.caller.principal(), self.caller.identity());
        ledger.model_requested(&name);
        if let Ok(id) = ModelId::parse(&part.model) {
            let base = id.clone();
            ledger.target(Target::Model { id, base });
        }
        let region = Arc::from(self.shared.gateway().bedrock().region());
        ledger.attempted(Upstream::BatchJob, &region);
        if let Some(limits) = &self.caller.profile().limits {
            ledger.count_ended(limits);
        }
        ledger.charge(Charge {
            tokens: Some(tokens),
            units: None,
            cost,
            tier: Some(Tier::Batch),
        });
        let failed = self
            .job(number)
            .is_some_and(|job| job.status == JobStatus::Failed);
        ledger.responded(if failed { 502 } else { 200 });
        ledger.completed();
    }
}

fn time_of(unix_ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(u64::try_from(unix_ms).unwrap_or_default())
}
