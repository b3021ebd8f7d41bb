//! For the operator: whose credentials these are, what can be reached, and what AWS's errors mean.

pub(super) mod reach;
pub(super) mod sts;
pub(super) mod trouble;
