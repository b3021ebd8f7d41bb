//! Which endpoint serves a model, and with which capabilities.

use super::model_info::ModelInfo;
use crate::error::ApiError;
use crate::models::{Capabilities, Endpoint};

impl ModelInfo {
    /// The capabilities for `endpoint`, which `select` picks; the client's error if the model,
    /// which the client calls `name`, is served by another endpoint.
    pub(crate) fn serving<'a, T>(
        &'a self,
        name: &str,
        endpoint: Endpoint,
        select: impl FnOnce(&'a Capabilities) -> Option<&'a T>,
    ) -> Result<&'a T, ApiError> {
        self.check_endpoint(name, endpoint)?;
        select(&self.capabilities).ok_or_else(|| self.not_served(name, endpoint))
    }

    /// Rejects a model that another endpoint serves.
    pub(crate) fn check_endpoint(&self, name: &str, endpoint: Endpoint) -> Result<(), ApiError> {
        match self.endpoints().contains(&endpoint) {
            true => Ok(()),
            false => Err(self.not_served(name, endpoint)),
        }
    }

    /// Rejects a model that Converse does not support: only chat can use another upstream.
    pub(crate) fn check_converse(&self, name: &str) -> Result<(), ApiError> {
        if self.capabilities.converse {
            return Ok(());
        }
        let chat = Endpoint::ChatCompletions.path();
        let message = format!("the model `{name}` is only served by {chat}");
        Err(ApiError::unsupported_value("model", message))
    }

    /// The endpoints that serve the model; those of chats if its capabilities are not known.
    fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = self.capabilities.endpoints();
        if endpoints.is_empty() {
            endpoints.extend([Endpoint::ChatCompletions, Endpoint::Responses]);
        }
        endpoints
    }

    fn not_served(&self, name: &str, endpoint: Endpoint) -> ApiError {
        let endpoint = endpoint.path();
        let message = match self.capabilities.family.is_empty() {
            true => format!(
                "the capabilities of model `{name}` are not known, so it cannot be used with \
                 {endpoint}; the gateway's operator can configure them"
            ),
            false => {
                let serves = self.endpoints().into_iter().map(Endpoint::path);
                let serves: Vec<&str> = serves.collect();
                let serves = serves.join(" or ");
                format!("the model `{name}` is not served by {endpoint}; use {serves}")
            }
        };
        ApiError::unsupported_value("model", message)
    }
}
