//! What requests have learned about single models, in one bounded cache.
//!
//! Clients choose the names, so the models of which Bedrock has confirmed something have a list of
//! their own: made-up names only evict each other. Both lists evict the least recently used model.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::{Mutex, MutexGuard};

use super::lookup::Lookup;
use super::model_info::ModelInfo;
use crate::models::ModelId;

/// The maximum number of models in each list.
const MAX_MODELS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

/// The cache. Clones share it.
#[derive(Debug, Clone)]
pub struct LearnedModels {
    lists: Arc<Mutex<ModelLists>>,
}

#[derive(Debug)]
struct ModelLists {
    confirmed: LruCache<ModelId, LearnedModel>,
    unconfirmed: LruCache<ModelId, LearnedModel>,
}

/// What is known about one model.
#[derive(Debug, Clone, Default)]
pub(super) struct LearnedModel {
    /// Its entries of the tables, without the fields that it turned out to refuse.
    pub(super) info: Option<Arc<ModelInfo>>,
    /// The inference profile that serves it, if it cannot be called by its own id.
    pub(super) profile: Option<ModelId>,
    /// The lookup of its base model.
    pub(super) base: Option<Lookup>,
}

impl LearnedModels {
    /// What `read` returns for `model`; `None` if nothing is known about it.
    pub(super) fn read<T>(
        &self,
        model: &ModelId,
        read: impl FnOnce(&LearnedModel) -> Option<T>,
    ) -> Option<T> {
        let lists = &mut *self.lists();
        let confirmed = lists.confirmed.get(model);
        read(confirmed.or_else(|| lists.unconfirmed.get(model))?)
    }

    /// Changes what is known about `model`.
    pub(super) fn update<T>(
        &self,
        model: &ModelId,
        change: impl FnOnce(&mut LearnedModel) -> T,
    ) -> T {
        let lists = &mut *self.lists();
        let known = lists.confirmed.pop(model);
        let known = known.or_else(|| lists.unconfirmed.pop(model));
        let mut known = known.unwrap_or_default();
        let changed = change(&mut known);
        let list = match known.is_confirmed() {
            true => &mut lists.confirmed,
            false => &mut lists.unconfirmed,
        };
        list.put(model.clone(), known);
        changed
    }

    /// A copy without what follows from the tables, for others.
    pub(super) fn without_tables(&self) -> Self {
        let lists = self.lists();
        let copy = |list: &LruCache<ModelId, LearnedModel>| {
            let mut copy = LruCache::sparse(MAX_MODELS);
            // The least recently used one first.
            for (model, known) in list.iter().rev() {
                let known = LearnedModel {
                    info: None,
                    ..known.clone()
                };
                copy.put(model.clone(), known);
            }
            copy
        };
        let lists = ModelLists {
            confirmed: copy(&lists.confirmed),
            unconfirmed: copy(&lists.unconfirmed),
        };
        Self {
            lists: Arc::new(Mutex::new(lists)),
        }
    }

    fn lists(&self) -> MutexGuard<'_, ModelLists> {
        self.lists.lock()
    }
}

impl Default for LearnedModels {
    fn default() -> Self {
        let lists = ModelLists {
            confirmed: LruCache::sparse(MAX_MODELS),
            unconfirmed: LruCache::sparse(MAX_MODELS),
        };
        Self {
            lists: Arc::new(Mutex::new(lists)),
        }
    }
}

impl LearnedModel {
    /// Whether Bedrock has confirmed something that the gateway would have to learn again.
    fn is_confirmed(&self) -> bool {
        self.profile.is_some()
            || self.info.as_ref().is_some_and(|info| info.is_corrected)
            || self.base.as_ref().is_some_and(Lookup::has_succeeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = MAX_MODELS.get();

    fn id(text: &str) -> ModelId {
        ModelId::parse(text).expect("an id")
    }

    /// Looks up a model as a request does.
    fn request(learned: &LearnedModels, model: &ModelId) {
        if learned.read(model, |known| known.base.clone()).is_none() {
            learned.update(model, |known| known.base = Some(Lookup::default()));
        }
    }

    fn request_made_up_names(learned: &LearnedModels, count: usize) {
        for number in 0..count {
            request(learned, &id(&format!("made.up-{number}")));
        }
    }

    fn profile(learned: &LearnedModels, model: &ModelId) -> Option<ModelId> {
        learned.read(model, |known| known.profile.clone())
    }

    #[test]
    fn made_up_names_do_not_purge_what_was_learned() {
        let learned = LearnedModels::default();
        let (model, serving) = (id("amazon.nova-pro-v1:0"), id("us.amazon.nova-pro-v1:0"));
        request(&learned, &model);
        learned.update(&model, |known| known.profile = Some(serving.clone()));
        request_made_up_names(&learned, 10 * COUNT);
        assert_eq!(profile(&learned, &model), Some(serving));
    }

    #[test]
    fn a_model_in_use_is_not_evicted() {
        let learned = LearnedModels::default();
        let hot = id("amazon.nova-pro-v1:0");
        let lookup = Lookup::default();
        learned.update(&hot, |known| known.base = Some(lookup.clone()));
        for round in 0..4 {
            request_made_up_names(&learned, COUNT - 1);
            let known = learned.read(&hot, |known| known.base.clone());
            assert!(known.is_some_and(|known| known.is(&lookup)), "{round}");
        }
        // The same for learned models, of which there can be more than fit.
        let serving = id("us.amazon.nova-pro-v1:0");
        learned.update(&hot, |known| known.profile = Some(serving.clone()));
        for number in 0..4 * COUNT {
            let other = id(&format!("amazon.nova-{number}"));
            learned.update(&other, |known| known.profile = Some(serving.clone()));
            assert!(profile(&learned, &hot).is_some(), "{number}");
        }
        assert_eq!(profile(&learned, &id("amazon.nova-0")), None);
    }

    #[test]
    fn both_lists_are_bounded() {
        let learned = LearnedModels::default();
        let serving = id("us.amazon.nova-pro-v1:0");
        for number in 0..3 * COUNT {
            let model = id(&format!("amazon.nova-{number}"));
            request(&learned, &model);
            learned.update(&model, |known| known.profile = Some(serving.clone()));
        }
        request_made_up_names(&learned, 3 * COUNT);
        let lists = learned.lists();
        assert_eq!(
            (lists.confirmed.len(), lists.unconfirmed.len()),
            (COUNT, COUNT)
        );
    }
}
