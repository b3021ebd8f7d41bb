//! Prints how many allocations of how many bytes a request takes in the gateway;
//! `benches/README.md` explains the table.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub
)]

#[path = "../../tests/allocations/count.rs"]
mod count;

use count::{Allocations, Exchange};

fn main() {
    println!("{:32} {:>11} {:>9}", "", "allocations", "bytes");
    for exchange in Exchange::ALL {
        let Allocations { count, bytes } = exchange.allocations();
        println!("{:32} {count:11} {bytes:9}", exchange.name());
    }
}
