//! What is measured: each case starts its own servers, measures in rounds and prints its figures.

mod balance;
mod cpu;
mod latency;
mod memory;
mod overload;
mod paced;
mod scale;
mod sharing;

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::exchange::RequestRoute;
use crate::options::Options;
use crate::processes::Binaries;
use crate::target::Target;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Cpu,
    Latency,
    Paced,
    Scale,
    Balance,
    Memory,
    Sharing,
    Overload,
}

/// What every case needs.
pub(crate) struct Bench<'a> {
    pub(crate) binaries: &'a Binaries,
    pub(crate) options: &'a Options,
}

impl Bench<'_> {
    /// The executables of the gateway, and of the one that it is compared with.
    fn gateways(&self) -> impl Iterator<Item = (RequestRoute, &Path)> {
        let gateway = (RequestRoute::Gateway, self.binaries.gateway.as_path());
        let other = self.options.against.as_deref();
        [gateway]
            .into_iter()
            .chain(other.map(|path| (RequestRoute::Other, path)))
    }
}

impl Case {
    pub(crate) const ALL: [Self; 8] = [
        Self::Cpu,
        Self::Latency,
        Self::Paced,
        Self::Scale,
        Self::Balance,
        Self::Memory,
        Self::Sharing,
        Self::Overload,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Latency => "latency",
            Self::Paced => "paced",
            Self::Scale => "scale",
            Self::Balance => "balance",
            Self::Memory => "memory",
            Self::Sharing => "sharing",
            Self::Overload => "overload",
        }
    }

    /// Measures, and prints and returns the figures.
    pub(crate) async fn run(self, bench: &Bench<'_>) -> Outcome<Report> {
        match self {
            Self::Cpu => report(&cpu::run(bench).await?),
            Self::Latency => report(&latency::run(bench).await?),
            Self::Paced => report(&paced::run(bench).await?),
            Self::Scale => report(&scale::run(bench).await?),
            Self::Balance => report(&balance::run(bench).await?),
            Self::Memory => report(&memory::run(bench).await?),
            Self::Sharing => report(&sharing::run(bench).await?),
            Self::Overload => report(&overload::run(bench).await?),
        }
    }
}

/// What a case measured.
pub(crate) struct Report {
    /// As JSON.
    pub(crate) figures: Value,
    pub(crate) targets: Vec<Target>,
}

/// The figures of a case; the names of their fields are those of the JSON file.
trait Figures: Serialize {
    fn print(&self);

    fn targets(&self) -> Vec<Target>;
}

fn report(figures: &impl Figures) -> Outcome<Report> {
    figures.print();
    println!();
    Ok(Report {
        figures: serde_json::to_value(figures)?,
        targets: figures.targets(),
    })
}
