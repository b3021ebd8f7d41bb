//! Credentials and signatures.

pub(super) mod credentials;
pub(super) mod signing;
