//! The number and the size of the allocations of a request are bounded.
//!
//! A separate binary, since it replaces the allocator to count. `cargo bench --bench allocations`
//! prints what is counted here.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub
)]

mod count;

use count::{Allocations, Exchange};

/// The maximum allocations of an exchange, about a tenth above what it takes.
fn maximum(exchange: Exchange) -> Allocations {
    let (count, bytes) = match exchange {
        Exchange::NonStreaming => (108, 46_000),
        // The kernel may deliver events together or one by one.
        Exchange::Stream | Exchange::PacedStream => (176, 90_000),
    };
    Allocations { count, bytes }
}

#[test]
fn a_request_allocates_no_more_than_it_needs() {
    let mut report = String::new();
    let mut is_exceeded = false;
    for exchange in Exchange::ALL {
        let (allocated, maximum) = (exchange.allocations(), maximum(exchange));
        is_exceeded |= allocated.count > maximum.count || allocated.bytes > maximum.bytes;
        report += &format!("{}: {allocated:?}, {maximum:?} at most\n", exchange.name());
    }
    println!("{report}");
    assert!(!is_exceeded, "\n{report}");
}
