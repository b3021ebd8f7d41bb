//! What particular clients need: other paths, deployments in paths, web pages.

pub(crate) mod browser;
pub(crate) mod paths;
