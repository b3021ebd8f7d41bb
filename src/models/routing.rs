use super::{ModelId, ModelKind};

/// Where Bedrock runs a call, which its price and its quotas depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Routing {
    /// In the region that is called.
    InRegion,
    /// In the regions of a geography.
    Geo,
    /// In any commercial region.
    Global,
    /// On the account's provisioned throughput.
    Provisioned,
    /// On an imported model.
    Imported,
}

impl Routing {
    /// The routing of calls to `model`, as far as the id states it: application inference profiles
    /// and prompt routers do not.
    pub fn of(model: &ModelId) -> Option<Self> {
        match model.kind() {
            ModelKind::Foundation => match model.geography() {
                Some("global") => Some(Self::Global),
                Some(_) => Some(Self::Geo),
                // An id without a provider may be the name of provisioned throughput.
                None => model
                    .foundation_id()
                    .contains('.')
                    .then_some(Self::InRegion),
            },
            ModelKind::CustomModelDeployment => Some(Self::InRegion),
            ModelKind::ProvisionedModel => Some(Self::Provisioned),
            ModelKind::ImportedModel => Some(Self::Imported),
            ModelKind::ApplicationProfile
            | ModelKind::CustomModel
            | ModelKind::PromptRouter
            | ModelKind::Other => None,
        }
    }

    /// The name in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InRegion => "in_region",
            Self::Geo => "geo",
            Self::Global => "global",
            Self::Provisioned => "provisioned",
            Self::Imported => "imported",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_states_where_a_call_runs() {
        let of_account =
            |resource: &str| format!("arn:aws:bedrock:us-east-1:123456789012:{resource}");
        let foundation = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0";
        for (id, routing) in [
            ("amazon.nova-lite-v1:0".to_owned(), Some("in_region")),
            (foundation.to_owned(), Some("in_region")),
            ("us.amazon.nova-lite-v1:0".to_owned(), Some("geo")),
            ("us-gov.anthropic.claude-3-haiku".to_owned(), Some("geo")),
            ("apac.amazon.nova-lite-v1:0".to_owned(), Some("geo")),
            (
                of_account("inference-profile/eu.meta.llama3-3-70b"),
                Some("geo"),
            ),
            ("global.anthropic.claude-opus-5".to_owned(), Some("global")),
            (
                of_account("inference-profile/global.anthropic.claude-opus-5"),
                Some("global"),
            ),
            (
                of_account("provisioned-model/abcdefghijkl"),
                Some("provisioned"),
            ),
            (
                of_account("custom-model-deployment/abcdefghijkl"),
                Some("in_region"),
            ),
            (of_account("imported-model/abcdefghijkl"), Some("imported")),
            (
                of_account("application-inference-profile/abcdefghijkl"),
                None,
            ),
            (of_account("inference-profile/abcdefghijkl"), None),
            (
                of_account("custom-model/amazon.nova-lite-v1:0/abcdefghijkl"),
                None,
            ),
            (of_account("default-prompt-router/anthropic.claude:1"), None),
            ("provisioned-by-name".to_owned(), None),
            (
                "arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine".to_owned(),
                None,
            ),
        ] {
            let model = ModelId::parse(&id).expect("an id");
            assert_eq!(Routing::of(&model).map(Routing::as_str), routing, "{id}");
        }
    }
}
