//! Parses the arguments and runs the command.

use std::process::ExitCode;

use clap::Parser;
use outcrop::commands::Arguments;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Arguments::parse().run()
}
