//! Which operation of which service a request asks for.

use http::Method;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// An operation the simulator answers, named as in AWS's API references.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /model/{modelId}/converse`
    Converse,
    /// `POST /model/{modelId}/converse-stream`
    ConverseStream,
    /// `POST /model/{modelId}/invoke`
    InvokeModel,
    /// `POST /model/{modelId}/invoke-with-response-stream`
    InvokeModelWithResponseStream,
    /// `POST /model/{modelId}/count-tokens`
    CountTokens,
    /// `GET /foundation-models` of the control plane
    ListFoundationModels,
    /// `GET /inference-profiles` of the control plane
    ListInferenceProfiles,
    /// `GET /inference-profiles/{id}` of the control plane
    GetInferenceProfile,
    /// `GET /provisioned-model-throughput/{id}` of the control plane
    GetProvisionedModelThroughput,
    /// `GET /custom-models/{id}` of the control plane
    GetCustomModel,
    /// `GET /model-customization/custom-model-deployments/{id}` of the control plane
    GetCustomModelDeployment,
    /// `GET /imported-models/{id}` of the control plane
    GetImportedModel,
    /// `GET /prompt-routers/{arn}` of the control plane
    GetPromptRouter,
    /// `POST /` of STS with `Action=GetCallerIdentity`
    GetCallerIdentity,
}

/// What a request's method and path ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) operation: Operation,
    /// The model id in the path, percent-decoded; a slash inside an ARN may come encoded or not.
    pub(crate) model: Option<String>,
    /// What is looked up in the control plane, percent-decoded.
    pub(crate) resource: Option<String>,
}

/// What the control plane looks up, by the beginning of the path.
const LOOKUPS: [(&str, Operation); 6] = [
    ("/inference-profiles/", Operation::GetInferenceProfile),
    (
        "/provisioned-model-throughput/",
        Operation::GetProvisionedModelThroughput,
    ),
    ("/custom-models/", Operation::GetCustomModel),
    (
        "/model-customization/custom-model-deployments/",
        Operation::GetCustomModelDeployment,
    ),
    ("/imported-models/", Operation::GetImportedModel),
    ("/prompt-routers/", Operation::GetPromptRouter),
];

impl Target {
    /// `None` where AWS knows no such operation.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let listing = |operation| {
            Some(Self {
                operation,
                model: None,
                resource: None,
            })
        };
        if method == Method::GET {
            return match path {
                "/foundation-models" => listing(Operation::ListFoundationModels),
                "/inference-profiles" => listing(Operation::ListInferenceProfiles),
                _ => Self::of_lookup(path),
            };
        }
        if method != Method::POST {
            return None;
        }
        if path == "/" {
            return listing(Operation::GetCallerIdentity);
        }
        let (model, action) = path.strip_prefix("/model/")?.rsplit_once('/')?;
        let operation = match action {
            "converse" => Operation::Converse,
            "converse-stream" => Operation::ConverseStream,
            "invoke" => Operation::InvokeModel,
            "invoke-with-response-stream" => Operation::InvokeModelWithResponseStream,
            "count-tokens" => Operation::CountTokens,
            _ => return None,
        };
        let model = percent_decode_str(model).decode_utf8().ok()?.into_owned();
        (!model.is_empty()).then_some(Self {
            operation,
            model: Some(model),
            resource: None,
        })
    }

    fn of_lookup(path: &str) -> Option<Self> {
        LOOKUPS.iter().find_map(|(front, operation)| {
            let resource = percent_decode_str(path.strip_prefix(front)?)
                .decode_utf8()
                .ok()?;
            (!resource.is_empty()).then(|| Self {
                operation: *operation,
                model: None,
                resource: Some(resource.into_owned()),
            })
        })
    }
}

impl Operation {
    /// Whether the answer is an event stream.
    pub(crate) fn streams(self) -> bool {
        matches!(
            self,
            Self::ConverseStream | Self::InvokeModelWithResponseStream
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model_of(path: &str) -> Option<String> {
        Target::of(&Method::POST, path).and_then(|target| target.model)
    }

    #[test]
    fn model_ids_are_read_encoded_and_bare() {
        let bare = "/model/amazon.nova-lite-v1:0/converse";
        let encoded = "/model/amazon.nova-lite-v1%3A0/converse";
        let arn = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/converse";
        let open_arn = "/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.x/converse";

        assert_eq!(model_of(bare).as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(model_of(encoded).as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(model_of(arn), model_of(open_arn));
        assert_eq!(model_of("/model//converse"), None);
        assert_eq!(model_of("/model/x/sing"), None);
    }
}
