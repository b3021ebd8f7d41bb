//! What Bedrock lists, asked for kind by kind: a role that may not list one still gets the others,
//! and a list that cannot be had stays as it was.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};

use crate::bedrock::{Bedrock, FoundationModel, ListedKind, ListedModel, UpstreamError};

/// How soon a list that could not be had is asked for again. The wait doubles with each failure, up
/// to the time after which all lists are asked for anyway.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// What Bedrock has listed.
#[derive(Debug, Default, Clone)]
pub(super) struct Listing {
    /// The region's models, those that do not take calls too; empty until they have been listed.
    pub(super) foundation: Vec<FoundationModel>,
    /// What else takes calls.
    pub(super) others: BTreeMap<ListedKind, Vec<ListedModel>>,
}

/// Asks for the lists, and tells the log once of each that cannot be had.
#[derive(Debug)]
pub(super) struct Lister {
    listing: Listing,
    /// Whether the foundation models are to be asked for.
    foundation_is_due: bool,
    /// The kinds that are to be asked for.
    due: Vec<ListedKind>,
    /// How often in a row some list could not be had.
    failed_attempts: u32,
    reported: HashSet<&'static str>,
}

impl Listing {
    /// What Bedrock has listed of the model that is asked for by `id`.
    pub(super) fn find(&self, id: &crate::models::ModelId) -> Option<&ListedModel> {
        let mut others = self.others.values().flatten();
        others.find(|model| model.id == *id)
    }
}

impl Default for Lister {
    fn default() -> Self {
        Self {
            listing: Listing::default(),
            foundation_is_due: true,
            due: ListedKind::ALL.to_vec(),
            failed_attempts: 0,
            reported: HashSet::new(),
        }
    }
}

impl Lister {
    /// What there is now, and how soon to ask again: after `every`, or sooner for the lists that
    /// could not be had. The others are not asked for again with them, since the control plane is
    /// throttled hard.
    pub(super) async fn refresh(
        &mut self,
        bedrock: &Bedrock,
        every: Duration,
    ) -> (Listing, Duration) {
        let kinds = std::mem::take(&mut self.due);
        let lists = kinds.into_iter();
        let lists = lists.map(|kind| async move { (kind, bedrock.listed(kind).await) });
        let foundation = std::mem::take(&mut self.foundation_is_due);
        let foundation = OptionFuture::from(foundation.then(|| bedrock.foundation_models()));
        let (foundation, lists) = tokio::join!(foundation, join_all(lists));
        if let Some(foundation) = foundation {
            match self.received("bedrock:ListFoundationModels", foundation) {
                Some(models) => self.listing.foundation = models,
                None => self.foundation_is_due = true,
            }
        }
        for (kind, list) in lists {
            match self.received(kind.action(), list) {
                Some(models) => drop(self.listing.others.insert(kind, models)),
                None => self.due.push(kind),
            }
        }
        // Gateways that were started together do not ask together for ever.
        let jitter = 0.9 + 0.2 * fastrand::f64();
        (self.listing.clone(), self.wait(every).mul_f64(jitter))
    }

    /// How long to wait, and for which lists.
    fn wait(&mut self, every: Duration) -> Duration {
        if self.foundation_is_due || !self.due.is_empty() {
            let doublings = self.failed_attempts.min(16);
            self.failed_attempts = self.failed_attempts.saturating_add(1);
            let wait = FIRST_RETRY.saturating_mul(1 << doublings);
            if wait < every {
                return wait;
            }
        } else {
            self.failed_attempts = 0;
        }
        self.foundation_is_due = true;
        self.due = ListedKind::ALL.to_vec();
        every
    }

    fn received<T>(&mut self, action: &'static str, list: Result<T, UpstreamError>) -> Option<T> {
        let error = match list {
            Ok(list) => {
                self.reported.remove(action);
                return Some(list);
            }
            Err(error) => error,
        };
        // Missing credentials are reported where they are looked for, and not for every list.
        if !error.is_without_credentials() && self.reported.insert(action) {
            tracing::warn!(
                action,
                code = error.code,
                upstream_error = error.log_detail(),
                "a list of models could not be had; allow the action (deploy/iam/README.md has \
                 all), or set `[catalog] show = \"configured\"`"
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_listing_is_retried_with_increasing_delays() {
        let mut lister = Lister::default();
        let every = Duration::from_secs(10);
        let mut waits = Vec::new();
        for _ in 0..6 {
            lister.foundation_is_due = false;
            lister.due = vec![ListedKind::ImportedModel];
            waits.push(lister.wait(every).as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(
            lister.due,
            ListedKind::ALL,
            "after a full wait all are asked for"
        );
        lister.foundation_is_due = false;
        lister.due = Vec::new();
        assert_eq!(lister.wait(every), every);
        lister.due = vec![ListedKind::ImportedModel];
        lister.foundation_is_due = false;
        assert_eq!(lister.wait(every), FIRST_RETRY, "a success ends the growth");
        assert_eq!(
            lister.due,
            [ListedKind::ImportedModel],
            "the others are kept"
        );
    }
}
