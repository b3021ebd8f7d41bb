//! Responses without a model: the page at the root, health, and what is not served.

pub mod absent;
pub mod health;
pub(crate) mod hints;
pub mod home;
pub mod unknown;
