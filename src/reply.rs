//! What a handler returns: a body, and what the response's headers report about it.

mod adjustments;
mod stream;

use bytes::Bytes;
use serde::Serialize;

pub use adjustments::{Adjustment, Adjustments};
pub use stream::ResponseStream;

use crate::error::ApiError;
use crate::usage::Cost;

/// A response with the data of its headers.
#[derive(Debug)]
pub struct Reply<B = Bytes> {
    /// The body; plain bytes are JSON.
    pub body: B,
    /// The changes to the request.
    pub adjustments: Adjustments,
    /// The cost; `None` if it is not known yet.
    pub cost: Option<Cost>,
}

impl Reply {
    /// A JSON body.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, ApiError> {
        let json = serde_json::to_vec(value).map_err(|_| ApiError::internal())?;
        Ok(Self::new(json.into()))
    }
}

impl<B> Reply<B> {
    /// A response of a request that was not changed.
    pub fn new(body: B) -> Self {
        Self {
            body,
            adjustments: Adjustments::default(),
            cost: None,
        }
    }

    /// Sets the changes to the request.
    #[must_use]
    pub fn adjusted(self, adjustments: Adjustments) -> Self {
        Self {
            adjustments,
            ..self
        }
    }

    /// Replaces the body.
    pub fn map<C>(self, body: impl FnOnce(B) -> C) -> Reply<C> {
        Reply {
            body: body(self.body),
            adjustments: self.adjustments,
            cost: self.cost,
        }
    }
}
