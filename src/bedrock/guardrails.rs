//! InvokeGuardrailChecks and ApplyGuardrail: what is wrong with a content, without a model.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::client::{Bedrock, Question, Service, encoded_segment};
use super::failure::Failure;
use crate::guardrails::applied::{ApplyAnswer, ApplyRequest};
use crate::guardrails::checks::{ChecksAnswer, ChecksRequest};

impl Bedrock {
    /// What the checks of a request find, with retries.
    pub async fn invoke_guardrail_checks(
        &self,
        request: &ChecksRequest,
    ) -> Result<ChecksAnswer, Failure> {
        self.judged("/guardrail-checks/invoke", request).await
    }

    /// What a guardrail of the account's finds, with retries. `guardrail` is its id or its ARN.
    pub async fn apply_guardrail(
        &self,
        guardrail: &str,
        version: &str,
        request: &ApplyRequest,
    ) -> Result<ApplyAnswer, Failure> {
        let (guardrail, version) = (encoded_segment(guardrail), encoded_segment(version));
        let path = format!("/guardrail/{guardrail}/version/{version}/apply");
        self.judged(&path, request).await
    }

    async fn judged<T: DeserializeOwned>(
        &self,
        path: &str,
        request: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(request);
        let body = body.map_err(|error| Failure::internal(error.to_string()))?;
        let question = Question {
            service: Service::Runtime,
            method: Method::POST,
            path_and_query: path,
            body: body.into(),
        };
        let answer = self.with_backoff(|| self.judged_once(&question)).await;
        answer.map_err(Failure::of_guardrails)
    }

    async fn judged_once<T: DeserializeOwned>(
        &self,
        question: &Question<'_>,
    ) -> Result<T, Failure> {
        let answer = self.ask(question).await?;
        serde_json::from_slice(&answer).map_err(|error| Failure::unreadable(error.to_string()))
    }
}
