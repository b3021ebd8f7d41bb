//! Loads Bedrock's lists. Each kind is a call of its own: a role without the permission for one
//! still gets the others, and a failed list keeps its previous content.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures_util::future::{OptionFuture, join_all};

use crate::bedrock::{Bedrock, FoundationModel, ListedKind, ListedModel, UpstreamError};

/// The delay before a failed list is loaded again. It doubles with each failure, up to the interval
/// of the regular refresh.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Bedrock's lists.
#[derive(Debug, Default, Clone)]
pub(super) struct Listing {
    /// The region's foundation models, callable or not; empty until they are loaded.
    pub(super) foundation: Vec<FoundationModel>,
    /// Other callable models, by kind.
    pub(super) others: BTreeMap<ListedKind, Vec<ListedModel>>,
}

/// Loads the lists, and logs each failing list once.
#[derive(Debug)]
pub(super) struct Lister {
    listing: Listing,
    /// Whether the list of foundation models is due.
    foundation_is_due: bool,
    /// The kinds that are due.
    due: Vec<ListedKind>,
    /// The number of consecutive refreshes with a failed list.
    failed_attempts: u32,
    reported: HashSet<&'static str>,
}

impl Listing {
    /// The listed model with this id.
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
    /// Loads the lists that are due. Returns all lists, and the delay to the next refresh: `every`,
    /// or shorter for failed lists, which are then loaded alone, since the rate limits of the
    /// control plane are low.
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
        // Jitter, so that gateways started together do not stay in step.
        let jitter = 0.9 + 0.2 * fastrand::f64();
        (self.listing.clone(), self.wait(every).mul_f64(jitter))
    }

    /// The delay to the next refresh; marks the lists that are due then.
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
        // Missing credentials are reported elsewhere, once.
        if !error.is_without_credentials() && self.reported.insert(action) {
            tracing::warn!(
                action,
                code = error.code,
                upstream_error = error.log_detail(),
                "cannot load a list of models; allow the action (see deploy/iam/README.md), or set \
                `[catalog] list = \"configured\"`"
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
            "after a full interval all lists are due"
        );
        lister.foundation_is_due = false;
        lister.due = Vec::new();
        assert_eq!(lister.wait(every), every);
        lister.due = vec![ListedKind::ImportedModel];
        lister.foundation_is_due = false;
        assert_eq!(
            lister.wait(every),
            FIRST_RETRY,
            "a success resets the delay"
        );
        assert_eq!(
            lister.due,
            [ListedKind::ImportedModel],
            "the other lists are not due"
        );
    }
}
