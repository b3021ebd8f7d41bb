//! InvokeGuardrailChecks and ApplyGuardrail: checking content without running a model.

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use crate::bedrock::client::{Bedrock, Service, ServiceRequest};
use crate::bedrock::destination::encoded_segment;
use crate::bedrock::errors::UpstreamError;
use crate::converse::guardrails::applied::ApplyGuardrailResponse;
use crate::converse::guardrails::checks::ChecksResponse;

impl Bedrock {
    /// Runs the guardrail checks of a request, with retries. `body` is its JSON.
    pub async fn invoke_guardrail_checks(
        &self,
        body: Bytes,
    ) -> Result<ChecksResponse, UpstreamError> {
        self.check("/guardrail-checks/invoke", body).await
    }

    /// Applies a guardrail of the account, with retries. `guardrail` is its id or ARN, `body` the
    /// JSON of the request.
    pub async fn apply_guardrail(
        &self,
        guardrail: &str,
        version: &str,
        body: Bytes,
    ) -> Result<ApplyGuardrailResponse, UpstreamError> {
        let (guardrail, version) = (encoded_segment(guardrail), encoded_segment(version));
        let path = format!("/guardrail/{guardrail}/version/{version}/apply");
        self.check(&path, body).await
    }

    async fn check<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Bytes,
    ) -> Result<T, UpstreamError> {
        let request = ServiceRequest {
            service: Service::Runtime,
            method: Method::POST,
            path_and_query: path,
            body,
        };
        let response = self.with_backoff(None, || self.check_once(&request)).await;
        response.map_err(UpstreamError::of_guardrails)
    }

    async fn check_once<T: DeserializeOwned>(
        &self,
        request: &ServiceRequest<'_>,
    ) -> Result<T, UpstreamError> {
        let response = self.send(request).await?;
        serde_json::from_slice(&response)
            .map_err(|error| UpstreamError::unreadable(error.to_string()))
    }
}
