//! What a process gives to its requests: memory for bodies and for reasoning, seals, threads for long
//! work, timers, and ids.

pub mod body_memory;
pub mod certificates;
pub mod https;
pub mod ids;
pub mod reasoning_memory;
pub mod relocation;
pub mod seals;
pub mod timer;
pub mod workers;
