//! What the operator sets for requests: allowed names, and a guardrail.

use std::sync::Arc;

use super::options::GuardrailConfig;

/// A guardrail and the part of the conversation that it checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardrailPolicy {
    /// The guardrail configuration of Converse.
    pub config: GuardrailConfig,
    /// Whether it checks only the last user turn.
    pub only_last_turn: bool,
}

/// A list of allowed names; `*` allows all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Arc<[String]>);

impl AllowList {
    /// A list of these names.
    pub fn new(names: Vec<String>) -> Self {
        Self(names.into())
    }

    /// Whether `name` is allowed.
    pub fn allows(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|allowed| allowed == "*" || allowed == name)
    }

    /// Whether the list contains `name` itself, without `*`.
    pub fn names(&self, name: &str) -> bool {
        self.0.iter().any(|allowed| allowed == name)
    }
}

impl Default for AllowList {
    fn default() -> Self {
        Self::new(vec!["*".to_owned()])
    }
}
