//! What a request calls.

use std::sync::Arc;

use crate::models::{ModelId, Routing};

/// What a request calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A model.
    Model {
        /// The id that is called.
        id: ModelId,
        /// The model whose capabilities and price apply: the foundation model, if it is known.
        base: ModelId,
    },
    /// A guardrail, or Bedrock's own checks.
    Guardrail(Arc<str>),
}

impl Target {
    /// The id that is called.
    pub fn id(&self) -> &str {
        match self {
            Self::Model { id, .. } => id.as_str(),
            Self::Guardrail(id) => id,
        }
    }

    /// The id of the foundation model, if it is known.
    pub fn foundation_id(&self) -> Option<&str> {
        match self {
            Self::Model { base, .. } if base.names_foundation_model() => Some(base.foundation_id()),
            _ => None,
        }
    }

    /// Where Bedrock runs the model, as far as its id states it.
    pub fn routing(&self) -> Option<Routing> {
        match self {
            Self::Model { id, .. } => Routing::of(id),
            Self::Guardrail(_) => None,
        }
    }

    /// The AWS account in the model's ARN.
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Model { id, .. } => id.account(),
            Self::Guardrail(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_states_its_model_account_and_routing() {
        let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
        let imported = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc";
        let nova = Some("amazon.nova-lite-v1:0");
        let account = Some("123456789012");
        for (id, base, foundation, of_account, routing) in [
            (
                "us.amazon.nova-lite-v1:0",
                "us.amazon.nova-lite-v1:0",
                nova,
                None,
                Some(Routing::Geo),
            ),
            (profile, "amazon.nova-lite-v1:0", nova, account, None),
            (imported, imported, None, account, Some(Routing::Imported)),
        ] {
            let target = Target::Model {
                id: ModelId::parse(id).expect("an id"),
                base: ModelId::parse(base).expect("an id"),
            };
            assert_eq!(target.id(), id);
            assert_eq!(target.foundation_id(), foundation, "{id}");
            assert_eq!(target.account(), of_account, "{id}");
            assert_eq!(target.routing(), routing, "{id}");
        }
        let guardrail = Target::Guardrail("abc".into());
        assert_eq!((guardrail.id(), guardrail.foundation_id()), ("abc", None));
        assert_eq!((guardrail.routing(), guardrail.account()), (None, None));
    }
}
