//! What calls of models share.

use std::sync::Arc;

use crate::cache::{Charge, PromptCache};
use crate::clock::Clock;
use crate::conversation::Conversation;
use crate::options::Options;
use crate::signatures::Seals;

/// The account's rules for calls of models, and what models remember of earlier calls.
#[derive(Debug)]
pub(crate) struct Runtime {
    pub(crate) options: Arc<Options>,
    pub(crate) clock: Arc<Clock>,
    cache: PromptCache,
    pub(crate) seals: Seals,
}

impl Runtime {
    pub(crate) fn new(options: Arc<Options>, clock: Arc<Clock>) -> Self {
        Self {
            options,
            clock,
            cache: PromptCache::default(),
            seals: Seals::default(),
        }
    }

    /// Looks a prompt up in the prompt cache and stores it there.
    pub(crate) fn charge(&self, model: &str, conversation: &Conversation<'_>) -> Charge {
        let minimum = self.options.cache_minimum;
        self.cache
            .charge(model, conversation, minimum, self.clock.now())
    }

    pub(crate) fn clear(&self) {
        self.cache.clear();
        self.seals.clear();
    }
}
