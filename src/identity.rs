//! Who is calling.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{KeyDigest, KeyEntry};
use crate::fault::{Fault, FaultKind};

/// A caller by the name that the configuration gives it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Caller(Arc<str>);

impl Caller {
    /// The caller named `name`.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name, in logs and limits.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// The callers that there are.
#[derive(Debug)]
pub struct Callers {
    by_digest: HashMap<KeyDigest, Caller>,
}

/// The caller where no keys are configured, which is on loopback alone.
const ANYONE: &str = "local";

impl Callers {
    /// The callers of these keys.
    pub fn new(keys: &[KeyEntry]) -> Self {
        let entry = |key: &KeyEntry| (key.digest, Caller::new(&key.caller));
        Self {
            by_digest: keys.iter().map(entry).collect(),
        }
    }

    /// The caller whose key this is. Keys are looked up by their digest, so that the time it
    /// takes tells nothing of them.
    pub fn identify(&self, key: Option<&str>) -> Result<Caller, Fault> {
        if self.by_digest.is_empty() {
            return Ok(Caller::new(ANYONE));
        }
        let Some(key) = key else {
            return Err(refused(
                "no API key was sent; send it as `Authorization: Bearer <key>`",
            ));
        };
        let caller = self.by_digest.get(&KeyDigest::of(key));
        caller
            .cloned()
            .ok_or_else(|| refused("the API key is not one of this gateway's; ask its operator"))
    }
}

fn refused(message: &str) -> Fault {
    Fault::new(FaultKind::Authentication, message).code("invalid_api_key")
}
