//! The account's own resources: inference profiles, custom models and prompt routers.
//!
//! One or two of each kind, for lookups and calls. A call to a resource behaves like a call to its
//! base model.

use crate::catalog::{ACCOUNT, REGION};

/// One of the account's resources.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    /// The last part of the ARN.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The underlying foundation model.
    pub(crate) base: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ApplicationProfile,
    ProvisionedThroughput,
    CustomModel,
    /// Of the custom model in the table.
    CustomModelDeployment,
    ImportedModel,
    DefaultPromptRouter,
    PromptRouter,
    /// A marketplace model on an endpoint of the account.
    MarketplaceEndpoint,
}

const SONNET_4_5: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA_LITE: &str = "amazon.nova-lite-v1:0";
const NOVA_MICRO: &str = "amazon.nova-micro-v1:0";
const TITAN_EMBED: &str = "amazon.titan-embed-text-v2:0";
const LLAMA_3_3: &str = "meta.llama3-3-70b-instruct-v1:0";

pub(crate) const RESOURCES: [Resource; 10] = [
    Resource {
        kind: Kind::ApplicationProfile,
        id: "ap1234claude",
        name: "assistants",
        base: SONNET_4_5,
    },
    Resource {
        kind: Kind::ApplicationProfile,
        id: "ap12345nova1",
        name: "summaries",
        base: NOVA_LITE,
    },
    Resource {
        kind: Kind::ApplicationProfile,
        id: "ap12345titan",
        name: "searches",
        base: TITAN_EMBED,
    },
    Resource {
        kind: Kind::ProvisionedThroughput,
        id: "pm1234567890",
        name: "reserved-nova",
        base: NOVA_MICRO,
    },
    Resource {
        kind: Kind::CustomModel,
        id: "cm1234567890",
        name: "our-nova",
        base: NOVA_LITE,
    },
    Resource {
        kind: Kind::CustomModelDeployment,
        id: "cd1234567890",
        name: "our-nova-deployed",
        base: NOVA_LITE,
    },
    Resource {
        kind: Kind::ImportedModel,
        id: "im1234567890",
        name: "our-llama",
        base: LLAMA_3_3,
    },
    Resource {
        kind: Kind::DefaultPromptRouter,
        id: "amazon.nova:1",
        name: "Nova Prompt Router",
        base: NOVA_LITE,
    },
    Resource {
        kind: Kind::PromptRouter,
        id: "pr1234567890",
        name: "our-router",
        base: SONNET_4_5,
    },
    Resource {
        kind: Kind::MarketplaceEndpoint,
        id: "our-endpoint",
        name: "huggingface-llm-mistral-7b",
        base: LLAMA_3_3,
    },
];

impl Resource {
    pub(crate) fn arn(&self) -> String {
        let path = match self.kind {
            Kind::ApplicationProfile => "application-inference-profile".to_owned(),
            Kind::ProvisionedThroughput => "provisioned-model".to_owned(),
            Kind::CustomModel => format!("custom-model/{}", self.base),
            Kind::CustomModelDeployment => "custom-model-deployment".to_owned(),
            Kind::ImportedModel => "imported-model".to_owned(),
            Kind::DefaultPromptRouter => "default-prompt-router".to_owned(),
            Kind::PromptRouter => "prompt-router".to_owned(),
            Kind::MarketplaceEndpoint => {
                return format!("arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{}", self.id);
            }
        };
        format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:{path}/{}", self.id)
    }

    pub(crate) fn is_router(&self) -> bool {
        matches!(self.kind, Kind::DefaultPromptRouter | Kind::PromptRouter)
    }
}

/// Finds a resource by ARN, or by id or name among these kinds.
pub(crate) fn find(identifier: &str, kinds: &[Kind]) -> Option<&'static Resource> {
    RESOURCES
        .iter()
        .filter(|resource| kinds.contains(&resource.kind))
        .find(|resource| {
            identifier == resource.id || identifier == resource.name || identifier == resource.arn()
        })
}

/// The resource whose ARN is used as model id.
pub(crate) fn called(model: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|resource| model == resource.arn())
}

/// The foundation model that a call with this id reaches.
pub(crate) fn base(model: &str) -> &str {
    called(model).map_or(model, |resource| resource.base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_found_by_id_name_and_arn() {
        let arn =
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ap1234claude";
        let kinds = [Kind::ApplicationProfile];
        for identifier in ["ap1234claude", "assistants", arn] {
            let base_model = find(identifier, &kinds).map(|resource| resource.base);
            assert_eq!(base_model, Some(SONNET_4_5), "{identifier}");
        }
        assert!(find(arn, &[Kind::ImportedModel]).is_none());
        assert_eq!(base(arn), SONNET_4_5);
        assert_eq!(base("us.amazon.nova-lite-v1:0"), "us.amazon.nova-lite-v1:0");
    }
}
