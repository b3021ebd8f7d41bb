//! Which model wrote a block of reasoning.

use serde::{Deserialize, Serialize};

use crate::models::ReasoningReplay;

/// The model that wrote a block of reasoning, which others do not accept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The family.
    pub family: String,
    /// The foundation model's id, or that of a custom model.
    pub model: String,
    /// A digest of the AWS account that the model's ARN names, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Origin {
    /// Whether the model of `reader` accepts reasoning of this origin. Readable reasoning belongs to
    /// the family. What is signed or encrypted belongs to the model and to the account; the account
    /// is unknown unless an ARN names it.
    pub fn is_accepted_by(&self, reader: &Self, replay: ReasoningReplay) -> bool {
        let is_same_account = match (&self.account, &reader.account) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        };
        match replay {
            ReasoningReplay::None => false,
            ReasoningReplay::Text => self.family == reader.family,
            ReasoningReplay::Signed | ReasoningReplay::Redacted => {
                self.family == reader.family && self.model == reader.model && is_same_account
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(model: &str, account: Option<&str>) -> Origin {
        Origin {
            family: "F".to_owned(),
            model: model.to_owned(),
            account: account.map(str::to_owned),
        }
    }

    #[test]
    fn signed_reasoning_belongs_to_the_model_and_the_account() {
        let one = origin("a", Some("1"));
        let is_accepted =
            |reader: &Origin, replay| origin("a", Some("1")).is_accepted_by(reader, replay);
        for replay in [ReasoningReplay::Signed, ReasoningReplay::Redacted] {
            assert!(is_accepted(&one, replay));
            assert!(is_accepted(&origin("a", None), replay));
            assert!(!is_accepted(&origin("a", Some("2")), replay));
            assert!(!is_accepted(&origin("b", Some("1")), replay));
        }
    }

    #[test]
    fn readable_reasoning_belongs_to_the_family() {
        let one = origin("a", None);
        assert!(one.is_accepted_by(&origin("b", Some("2")), ReasoningReplay::Text));
        let other = Origin {
            family: "G".to_owned(),
            ..origin("a", None)
        };
        assert!(!one.is_accepted_by(&other, ReasoningReplay::Text));
        assert!(!one.is_accepted_by(&one, ReasoningReplay::None));
    }
}
