//! The prompt cache.
//!
//! The cache covers tools, system and messages, in this order. At a cache point, the prefix is
//! stored per model under a hash of its bytes (cache points excluded). A later prompt with the same
//! prefix is billed a cache read, which also renews the prefix's lifetime.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::conversation::{Block, Conversation, text};
use crate::families::{Family, Maker};
use crate::usage;

const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);
const ONE_HOUR: Duration = Duration::from_secs(60 * 60);
/// Number of blocks before a cache point in which Claude looks for an earlier prefix (Anthropic's
/// documentation of prompt caching).
const LOOK_BACK: usize = 20;

#[derive(Debug, Default)]
pub(crate) struct PromptCache(Mutex<HashMap<Key, Entry>>);

/// Model id and hash of the prefix.
type Key = (String, [u8; 32]);

#[derive(Debug, Clone, Copy)]
struct Entry {
    ends: Duration,
    lifetime: Duration,
}

/// Tokens that a call read from and wrote to the cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) read: u64,
    pub(crate) written_1h: u64,
    pub(crate) written: u64,
}

/// The boundary after a block of the prompt.
struct Boundary {
    hash: [u8; 32],
    tokens: u64,
    /// The lifetime of the cache point at this boundary; `None` without a cache point.
    point: Option<Duration>,
}

impl PromptCache {
    /// Looks a prompt up and stores the prefixes at its cache points.
    pub(crate) fn charge(
        &self,
        model: &str,
        conversation: &Conversation<'_>,
        minimum: Option<u64>,
        now: Duration,
    ) -> Charge {
        let family = Family::of(model);
        let Some(caching) = family.caching else {
            return Charge::default();
        };
        let minimum = minimum.unwrap_or(caching.minimum);
        let boundaries = boundaries(conversation);
        let look_back = if family.maker == Maker::Anthropic {
            LOOK_BACK
        } else {
            0
        };
        let mut entries = self.0.lock();
        entries.retain(|_, entry| entry.ends > now);
        let key = |boundary: &Boundary| (model.to_owned(), boundary.hash);
        let cached = candidates(&boundaries, look_back, minimum)
            .find(|boundary| entries.contains_key(&key(boundary)));
        let mut charge = Charge::default();
        if let Some(boundary) = cached {
            charge.read = boundary.tokens;
            if let Some(entry) = entries.get_mut(&key(boundary)) {
                entry.ends = now.saturating_add(entry.lifetime);
            }
        }
        let mut position = charge.read;
        for boundary in &boundaries {
            let Some(lifetime) = boundary.point else {
                continue;
            };
            if boundary.tokens <= position || boundary.tokens < minimum.max(1) {
                continue;
            }
            let written = if lifetime == ONE_HOUR {
                &mut charge.written_1h
            } else {
                &mut charge.written
            };
            *written += boundary.tokens - position;
            position = boundary.tokens;
            let ends = now.saturating_add(lifetime);
            entries.insert(key(boundary), Entry { ends, lifetime });
        }
        charge
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Charge {
    /// Adds the cache counts to a usage whose `inputTokens` cover the whole prompt. Usage is
    /// unchanged if the call did not use the cache.
    pub(crate) fn put_into(&self, usage: &mut Value, family: &Family) {
        let written = self.written + self.written_1h;
        let (Value::Object(fields), true) = (usage, self.read + written > 0) else {
            return;
        };
        let input = fields.get("inputTokens").and_then(Value::as_u64);
        let rest = input
            .unwrap_or_default()
            .saturating_sub(self.read + written);
        fields.insert("inputTokens".to_owned(), rest.into());
        for (name, count) in [("cacheRead", self.read), ("cacheWrite", written)] {
            // Bedrock sends both spellings (recording `convs-claude-10ecc16c`).
            fields.insert(format!("{name}InputTokens"), count.into());
            fields.insert(format!("{name}InputTokenCount"), count.into());
        }
        // Only Claude reports details, and only for writes (recording `conv-claude-23412a46`); 1h
        // first.
        let details: Vec<Value> = [("1h", self.written_1h), ("5m", self.written)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(ttl, count)| json!({ "inputTokens": count, "ttl": ttl }))
            .collect();
        if family.maker == Maker::Anthropic && !details.is_empty() {
            fields.insert("cacheDetails".to_owned(), details.into());
        }
    }
}

/// The prefixes that a call may read, longest first.
fn candidates(
    boundaries: &[Boundary],
    look_back: usize,
    minimum: u64,
) -> impl Iterator<Item = &Boundary> {
    let near = move |position: usize| {
        let end = position.saturating_add(look_back).saturating_add(1);
        boundaries
            .iter()
            .take(end)
            .skip(position)
            .any(|boundary| boundary.point.is_some())
    };
    boundaries
        .iter()
        .enumerate()
        .rev()
        .filter(move |(position, boundary)| boundary.tokens >= minimum && near(*position))
        .map(|(_, boundary)| boundary)
}

/// The boundaries after each block, in prompt order.
fn boundaries(conversation: &Conversation<'_>) -> Vec<Boundary> {
    let mut prompt = Prompt::default();
    let tools = conversation.tools.iter().flat_map(|tools| &tools.entries);
    tools.for_each(|entry| prompt.push("tools", entry));
    let system = conversation.system.iter();
    system.for_each(|block| prompt.push("system", block));
    for (turn, message) in conversation.messages.iter().enumerate() {
        let section = format!("{turn}:{}", message.role);
        let blocks = message.content.iter();
        blocks.for_each(|block| prompt.push(&section, block));
    }
    prompt.boundaries
}

#[derive(Default)]
struct Prompt {
    hash: Sha256,
    bytes: u64,
    boundaries: Vec<Boundary>,
}

impl Prompt {
    fn push(&mut self, section: &str, block: &Block<'_>) {
        if block.kind == "cachePoint" {
            if let Some(last) = self.boundaries.last_mut() {
                let lifetime = if text(block.value.get("ttl")) == "1h" {
                    ONE_HOUR
                } else {
                    FIVE_MINUTES
                };
                last.point = Some(lifetime);
            }
            return;
        }
        for part in [section, block.kind, &block.value.to_string()] {
            self.hash.update(part.as_bytes());
            self.hash.update([0]);
        }
        self.bytes += block.kind.len() as u64 + usage::bytes(block.value);
        self.boundaries.push(Boundary {
            hash: self.hash.clone().finalize().into(),
            tokens: usage::of_bytes(self.bytes),
            point: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
    const NOVA: &str = "amazon.nova-lite-v1:0";

    fn point(ttl: &str) -> Value {
        json!({ "cachePoint": { "type": "default", "ttl": ttl } })
    }

    fn words(word: &str) -> Value {
        json!({ "text": format!("{word} ").repeat(1100) })
    }

    fn cached_request(system: Value, content: &[Value]) -> Value {
        json!({ "system": system, "messages": [{ "role": "user", "content": content }] })
    }

    fn charged(cache: &PromptCache, model: &str, request: &Value, minutes: u64) -> Charge {
        let now = Duration::from_secs(60 * minutes);
        cache.charge(model, &Conversation::of(request), None, now)
    }

    fn read(tokens: u64) -> Charge {
        Charge {
            read: tokens,
            ..Charge::default()
        }
    }

    #[test]
    fn a_prefix_is_written_once_and_read_until_it_expires() {
        let cache = PromptCache::default();
        let first = cached_request(json!([words("one"), point("5m")]), &[words("two")]);
        let second = cached_request(json!([words("one"), point("5m")]), &[words("three")]);
        let written = charged(&cache, CLAUDE, &first, 0);
        assert!((written.read, written.written) == (0, 1101), "{written:?}");
        assert_eq!(charged(&cache, CLAUDE, &second, 4), read(1101));
        // Read at minute 4, the prefix lives until minute 9.
        assert_eq!(charged(&cache, CLAUDE, &second, 8), read(1101));
        assert_eq!(charged(&cache, CLAUDE, &second, 14).written, 1101);
        // Each model has its own cache.
        assert_eq!(charged(&cache, NOVA, &second, 14).read, 0);
    }

    #[test]
    fn a_changed_prefix_is_not_read_from_the_cache() {
        let cache = PromptCache::default();
        let one = cached_request(json!([words("one"), point("5m")]), &[words("two")]);
        let other = cached_request(json!([words("eno"), point("5m")]), &[words("two")]);
        charged(&cache, CLAUDE, &one, 0);
        assert_eq!(charged(&cache, CLAUDE, &other, 0).read, 0);
    }

    #[test]
    fn short_prefixes_are_not_cached() {
        let cache = PromptCache::default();
        let short = cached_request(json!([]), &[json!({ "text": "hi" }), point("5m")]);
        charged(&cache, CLAUDE, &short, 0);
        assert_eq!(charged(&cache, CLAUDE, &short, 0), Charge::default());
        let now = Duration::ZERO;
        let conversation = Conversation::of(&short);
        assert_eq!(cache.charge(CLAUDE, &conversation, Some(1), now).written, 2);
        assert_eq!(charged(&cache, NOVA, &short, 0).written, 2);
    }

    #[test]
    fn cache_writes_are_counted_per_ttl() {
        let cache = PromptCache::default();
        let request = cached_request(
            json!([words("one"), point("1h")]),
            &[words("two"), point("5m"), words("three")],
        );
        let charge = charged(&cache, CLAUDE, &request, 0);
        assert_eq!((charge.written_1h, charge.written), (1101, 1101));
        let mut usage = json!({ "inputTokens": 3700, "outputTokens": 1 });
        charge.put_into(&mut usage, &Family::of(CLAUDE));
        assert_eq!(
            usage,
            json!({
                "inputTokens": 1498, "outputTokens": 1,
                "cacheReadInputTokens": 0, "cacheReadInputTokenCount": 0,
                "cacheWriteInputTokens": 2202, "cacheWriteInputTokenCount": 2202,
                "cacheDetails": [
                    { "inputTokens": 1101, "ttl": "1h" }, { "inputTokens": 1101, "ttl": "5m" }],
            })
        );
        // The 1h prefix outlives the 5m prefix.
        let later = charged(&cache, CLAUDE, &request, 30);
        assert_eq!((later.read, later.written), (1101, 1101));
    }

    #[test]
    fn claude_finds_an_earlier_prefix_after_the_cache_point_moved() {
        let cache = PromptCache::default();
        let first = cached_request(json!([]), &[words("one"), point("5m")]);
        let grown = cached_request(json!([]), &[words("one"), words("two"), point("5m")]);
        for (model, reads) in [(CLAUDE, 1101), (NOVA, 0)] {
            charged(&cache, model, &first, 0);
            assert_eq!(charged(&cache, model, &grown, 0).read, reads, "{model}");
        }
    }
}
