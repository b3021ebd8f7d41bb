//! Credentials and signatures.

pub(super) mod authorization;
pub(super) mod credentials;
pub(super) mod signing;
