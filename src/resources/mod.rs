//! What the requests of one process share: the memory for bodies, and the threads for long work.

pub mod body_memory;
pub mod workers;
