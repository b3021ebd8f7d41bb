//! The real router on a free port, with the simulator as Bedrock; and what can be said of the code
//! without running it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub
)]

mod cancellation;
mod commands;
mod faults;
mod golden;
mod layers;
mod limits;
mod models;
mod properties;
mod retries;
mod server;
mod shutdown;
mod world;
