//! What a request is expected to use, learned from the responses to earlier ones.
//!
//! Input is estimated from the bytes of the prompt, output from `max_tokens` or the usual length of
//! responses. An estimate that is wrong is corrected at settlement.

mod sizes;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use sizes::OutputSizes;

/// Bytes per token until a model's prompts are known, and the bounds of what is learned, in
/// thousandths.
const DEFAULT_BYTES: u64 = 3500;
const MIN_BYTES: u64 = 1500;
const MAX_BYTES: u64 = 6000;

/// The expected output without `max_tokens` and without any responses to learn from.
const DEFAULT_OUTPUT: u64 = 1024;

/// Clients send the same high `max_tokens` with every request: it is believed up to this multiple of
/// the learned length.
const BELIEVED_FACTOR: u64 = 4;

/// Prompt tokens after which the sums are halved, so that old prompts fade.
const MAX_PROMPT_TOKENS: u64 = 1 << 22;

/// The models that lengths are learned for, of all callers and of one.
const MAX_MODELS: usize = 1024;
const MAX_MODELS_OF_CALLER: usize = 32;

/// The prompt of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PromptSize {
    /// The bytes of the request to the model, without media.
    pub bytes: u64,
    /// The tokens of images and other media, estimated by their dimensions.
    pub media_tokens: u64,
}

/// What a request says about the length of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputSize {
    /// The model generates no tokens.
    None,
    /// At most these tokens.
    UpTo(u64),
    /// Nothing.
    Unknown,
}

/// What all calls of a request are expected to use.
#[derive(Debug, Clone)]
pub struct ExpectedTokens {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Whether the request does not determine `output`.
    pub is_guess: bool,
    lesson: Lesson,
}

/// What the response to a request teaches.
#[derive(Debug, Clone)]
pub(super) struct Lesson {
    model: Arc<CallerModel>,
    /// The bytes of the prompts of all calls; `None` with media, whose tokens are not known apart.
    prompt_bytes: Option<u64>,
    calls: u64,
    has_output: bool,
}

/// What is known about the models of all callers.
#[derive(Debug, Default)]
pub(super) struct LearnedModels(Mutex<HashMap<Arc<str>, Arc<LearnedModel>>>);

/// What is known about a model.
#[derive(Debug, Default)]
struct LearnedModel {
    prompt_bytes: AtomicU64,
    prompt_tokens: AtomicU64,
    output: OutputSizes,
}

/// What is known about the responses to a caller.
#[derive(Debug, Default)]
pub(super) struct CallerModels(ArcSwap<Vec<Arc<CallerModel>>>);

#[derive(Debug)]
struct CallerModel {
    id: Arc<str>,
    output: OutputSizes,
    of_all: Arc<LearnedModel>,
}

impl CallerModels {
    /// What the `calls` of a request to the model `id` are expected to use, each with this prompt.
    pub(super) fn expect(
        &self,
        models: &LearnedModels,
        id: &Arc<str>,
        prompt: PromptSize,
        output: OutputSize,
        calls: u32,
    ) -> ExpectedTokens {
        let model = self.model(models, id);
        let learned = model.output.p95().or_else(|| model.of_all.output.p95());
        let (tokens, is_guess) = match (output, learned) {
            (OutputSize::None, _) => (0, false),
            (OutputSize::UpTo(max), Some(learned)) => {
                (max.min(learned.saturating_mul(BELIEVED_FACTOR)), false)
            }
            (OutputSize::UpTo(max), None) => (max, false),
            (OutputSize::Unknown, learned) => (learned.unwrap_or(DEFAULT_OUTPUT), true),
        };
        let calls = u64::from(calls.max(1));
        let text = prompt.bytes.saturating_mul(1000) / model.of_all.bytes_per_thousand_tokens();
        ExpectedTokens {
            input: text
                .saturating_add(prompt.media_tokens)
                .saturating_mul(calls),
            output: tokens.saturating_mul(calls),
            is_guess,
            lesson: Lesson {
                model,
                prompt_bytes: (prompt.media_tokens == 0)
                    .then(|| prompt.bytes.saturating_mul(calls)),
                calls,
                has_output: output != OutputSize::None,
            },
        }
    }

    /// The entry of a model. Only the first request to a model takes a lock.
    fn model(&self, models: &LearnedModels, id: &Arc<str>) -> Arc<CallerModel> {
        let find = |known: &[Arc<CallerModel>]| known.iter().find(|model| model.id == *id).cloned();
        if let Some(model) = find(&self.0.load()) {
            return model;
        }
        let new = Arc::new(CallerModel {
            id: Arc::clone(id),
            output: OutputSizes::default(),
            of_all: models.model(id),
        });
        self.0.rcu(|known| {
            if find(known).is_some() {
                return Arc::clone(known);
            }
            // The oldest makes room.
            let dropped = (known.len() + 1).saturating_sub(MAX_MODELS_OF_CALLER);
            let kept = known.iter().skip(dropped).cloned();
            Arc::new(kept.chain([Arc::clone(&new)]).collect())
        });
        find(&self.0.load()).unwrap_or(new)
    }
}

impl LearnedModels {
    fn model(&self, id: &Arc<str>) -> Arc<LearnedModel> {
        let mut models = self.0.lock();
        if models.len() >= MAX_MODELS && !models.contains_key(id) {
            // Clients can send any model id; those that no caller remembers make room.
            models.retain(|_, model| Arc::strong_count(model) > 1);
        }
        if models.len() >= MAX_MODELS && !models.contains_key(id) {
            return Arc::default();
        }
        Arc::clone(models.entry(Arc::clone(id)).or_default())
    }
}

impl LearnedModel {
    /// The bytes of a thousand tokens.
    fn bytes_per_thousand_tokens(&self) -> u64 {
        let tokens = self.prompt_tokens.load(Ordering::Relaxed);
        let bytes = self.prompt_bytes.load(Ordering::Relaxed);
        let learned = bytes.saturating_mul(1000).checked_div(tokens);
        learned.map_or(DEFAULT_BYTES, |bytes| bytes.clamp(MIN_BYTES, MAX_BYTES))
    }

    fn record_prompt(&self, bytes: u64, tokens: u64) {
        self.prompt_bytes.fetch_add(bytes, Ordering::Relaxed);
        let sum = self.prompt_tokens.fetch_add(tokens, Ordering::Relaxed);
        if sum > MAX_PROMPT_TOKENS {
            for sum in [&self.prompt_bytes, &self.prompt_tokens] {
                sum.store(sum.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
            }
        }
    }
}

impl ExpectedTokens {
    /// What the response will teach.
    pub(super) fn lesson(&self) -> Lesson {
        self.lesson.clone()
    }
}

impl Lesson {
    /// The calls have used these tokens, as Bedrock reports.
    pub(super) fn learn(&self, input: u64, output: u64) {
        if self.has_output {
            let output = output / self.calls;
            self.model.output.record(output);
            self.model.of_all.output.record(output);
        }
        if let Some(bytes) = self.prompt_bytes.filter(|bytes| *bytes > 0 && input > 0) {
            self.model.of_all.record_prompt(bytes, input);
        }
    }

    /// What the responses to all calls of `self` and `later` teach together.
    pub(super) fn and(self, later: Self) -> Self {
        let bytes = self.prompt_bytes.zip(later.prompt_bytes);
        Self {
            prompt_bytes: bytes.map(|(own, later)| own.saturating_add(later)),
            calls: self.calls.saturating_add(later.calls),
            ..later
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: PromptSize = PromptSize {
        bytes: 7000,
        media_tokens: 0,
    };

    struct Callers {
        models: LearnedModels,
        one: CallerModels,
        other: CallerModels,
        id: Arc<str>,
    }

    impl Callers {
        fn new() -> Self {
            Self {
                models: LearnedModels::default(),
                one: CallerModels::default(),
                other: CallerModels::default(),
                id: "model".into(),
            }
        }

        fn expect(&self, caller: &CallerModels, output: OutputSize) -> ExpectedTokens {
            caller.expect(&self.models, &self.id, PROMPT, output, 1)
        }

        fn learn(&self, caller: &CallerModels, input: u64, output: u64) {
            let expected = self.expect(caller, OutputSize::Unknown);
            (0..20).for_each(|_| expected.lesson.learn(input, output));
        }
    }

    #[test]
    fn bytes_per_token_are_learned_within_bounds() {
        let callers = Callers::new();
        let input = || callers.expect(&callers.one, OutputSize::None).input;
        assert_eq!(input(), 2000);
        callers.learn(&callers.one, 1750, 10);
        assert_eq!(input(), 1750, "four bytes a token");
        callers.learn(&callers.one, 1, 10);
        callers.learn(&callers.one, 1, 10);
        assert_eq!(input(), 7000 * 1000 / MAX_BYTES, "at most six");
    }

    #[test]
    fn output_is_that_of_the_caller_else_of_the_model() {
        let callers = Callers::new();
        let output = |caller| callers.expect(caller, OutputSize::Unknown).output;
        assert_eq!(output(&callers.one), DEFAULT_OUTPUT);
        callers.learn(&callers.one, 1750, 5000);
        assert!((5000..6300).contains(&output(&callers.one)));
        assert_eq!(output(&callers.other), output(&callers.one));
        callers.learn(&callers.other, 1750, 50);
        assert!((50..63).contains(&output(&callers.other)));
    }

    #[test]
    fn max_tokens_are_believed_unless_responses_are_much_shorter() {
        let callers = Callers::new();
        let output = |max| callers.expect(&callers.one, OutputSize::UpTo(max)).output;
        assert_eq!(output(64_000), 64_000);
        callers.learn(&callers.one, 1750, 100);
        assert!((400..500).contains(&output(64_000)));
        assert_eq!(output(1), 1);
    }

    #[test]
    fn every_choice_has_the_prompt_and_its_output() {
        let callers = Callers::new();
        let prompt = PromptSize {
            bytes: 3500,
            media_tokens: 100,
        };
        let max = OutputSize::UpTo(10);
        let expected = callers
            .one
            .expect(&callers.models, &callers.id, prompt, max, 3);
        assert_eq!((expected.input, expected.output), (3300, 30));
    }

    #[test]
    fn the_models_of_a_caller_are_bounded() {
        let callers = Callers::new();
        for number in 0..2 * MAX_MODELS {
            let id = number.to_string().into();
            callers
                .one
                .expect(&callers.models, &id, PROMPT, OutputSize::Unknown, 1);
        }
        assert_eq!(callers.one.0.load().len(), MAX_MODELS_OF_CALLER);
        assert!(callers.models.0.lock().len() <= MAX_MODELS);
    }
}
