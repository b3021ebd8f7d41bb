//! The dialects of clients. Each one is translated to and from [`converse`](crate::converse).

pub mod wire;
