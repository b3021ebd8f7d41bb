//! What Bedrock lists, asked for kind by kind: a role that may not list one still gets the others,
//! and a list that cannot be had stays as it was.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::join_all;

use crate::bedrock::{Advice, Bedrock, Failure, FoundationModel, ListedKind, ListedModel};

/// How soon Bedrock is asked again where the failure may pass.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What Bedrock has listed.
#[derive(Debug, Default, Clone)]
pub(super) struct Listing {
    /// The region's models, those that do not take calls too.
    pub(super) foundation: Vec<FoundationModel>,
    /// What else takes calls.
    pub(super) others: BTreeMap<ListedKind, Vec<ListedModel>>,
}

/// Asks for the lists, and tells the log once of each that cannot be had.
#[derive(Debug, Default)]
pub(super) struct Lister {
    listing: Listing,
    told: HashSet<&'static str>,
}

impl Listing {
    /// What Bedrock has listed of the model that is asked for by `id`.
    pub(super) fn find(&self, id: &crate::models::ModelId) -> Option<&ListedModel> {
        let mut others = self.others.values().flatten();
        others.find(|model| model.id == *id)
    }
}

impl Lister {
    /// What there is now, and how soon to ask again: after `every`, or sooner.
    pub(super) async fn ask(&mut self, bedrock: &Bedrock, every: Duration) -> (Listing, Duration) {
        let lists = ListedKind::ALL.map(|kind| async move { (kind, bedrock.listed(kind).await) });
        let (foundation, lists) = tokio::join!(bedrock.foundation_models(), join_all(lists));
        // Gateways that were started together do not ask together for ever.
        let mut wait = every.mul_f64(0.9 + 0.2 * fastrand::f64());
        if let Some(models) = self.heard("bedrock:ListFoundationModels", foundation, &mut wait) {
            self.listing.foundation = models;
        }
        for (kind, list) in lists {
            if let Some(models) = self.heard(kind.action(), list, &mut wait) {
                self.listing.others.insert(kind, models);
            }
        }
        (self.listing.clone(), wait)
    }

    fn heard<T>(
        &mut self,
        action: &'static str,
        list: Result<T, Failure>,
        wait: &mut Duration,
    ) -> Option<T> {
        let failure = match list {
            Ok(list) => {
                self.told.remove(action);
                return Some(list);
            }
            Err(failure) => failure,
        };
        if failure.advice != Advice::Never {
            *wait = AFTER_FAILURE.min(*wait);
        }
        // Missing credentials are reported where they are looked for, and not for every list.
        if !failure.is_without_credentials() && self.told.insert(action) {
            tracing::warn!(
                action,
                code = failure.code,
                detail = failure.log_detail(),
                "a list of models could not be had; allow the action (deploy/iam/README.md has \
                 all), or set `[catalog] show = \"configured\"`"
            );
        }
        None
    }
}
