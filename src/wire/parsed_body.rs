//! A body that may have to be parsed again.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A parsed body with its bytes. The value is consumed by a translation; if the request has to be
/// revised, the bytes are parsed again.
#[derive(Debug)]
pub struct ParsedBody<T> {
    // Boxed, since requests are large and are moved often.
    value: Option<Box<T>>,
    bytes: Bytes,
}

impl<T> ParsedBody<T> {
    /// A value that was parsed from `bytes`.
    pub fn new(value: Box<T>, bytes: Bytes) -> Self {
        Self {
            value: Some(value),
            bytes,
        }
    }

    /// The parsed value; `None` once it is consumed.
    pub fn value(&self) -> Option<&T> {
        self.value.as_deref()
    }

    /// The same, to change it. What is parsed again later is unchanged.
    pub fn value_mut(&mut self) -> Option<&mut T> {
        self.value.as_deref_mut()
    }

    /// The bytes, which are shared.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The length of the body, in bytes.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The value and the bytes.
    ///
    /// # Errors
    ///
    /// An internal error if the value is consumed.
    pub fn into_parts(self) -> Result<(Box<T>, Bytes), ApiError> {
        let value = self.value.ok_or_else(ApiError::internal)?;
        Ok((value, self.bytes))
    }
}

impl<T: DeserializeOwned> ParsedBody<T> {
    /// Consumes the value, which is parsed again if it is consumed already.
    pub fn take(&mut self) -> Result<Box<T>, ApiError> {
        match self.value.take() {
            Some(value) => Ok(value),
            // It was parsed before.
            None => serde_json::from_slice(&self.bytes).map_err(|_| ApiError::internal()),
        }
    }
}
