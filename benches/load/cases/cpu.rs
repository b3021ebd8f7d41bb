//! CPU time and throughput of requests that follow each other at once.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::contestants::Contestants;
use crate::exchange::{RequestRoute, ResponseMode};
use crate::sample::{Sample, Samples};
use crate::statistics::{Spread, median};
use crate::target::Target;

const CONNECTIONS: usize = 16;

#[derive(Serialize)]
pub(super) struct Cpu {
    connections: usize,
    modes: Vec<ModeCpu>,
}

#[derive(Serialize)]
struct ModeCpu {
    mode: &'static str,
    /// Maximum of `ratio`.
    limit: f64,
    /// Of each server process, in microseconds per request.
    cpu_us: BTreeMap<&'static str, f64>,
    requests_per_second: BTreeMap<&'static str, f64>,
    /// The gateway's CPU time as a multiple of the floor's.
    ratio: Spread,
    /// The gateway's CPU time as a multiple of the other's.
    ratio_to_other: Option<Spread>,
}

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Cpu> {
    let contestants = Contestants::start(bench)?;
    let mut samples = Samples::new();
    for _ in 0..bench.options.rounds {
        for mode in ResponseMode::ALL {
            for (route, server) in contestants.all() {
                let exchange = route.exchange(mode);
                let time = bench.options.time;
                let sample = Sample::measure(server, &exchange, CONNECTIONS, time).await?;
                samples.add((mode, route), sample);
            }
        }
    }
    Ok(Cpu {
        connections: CONNECTIONS,
        modes: ResponseMode::ALL.map(|mode| figures(&samples, mode)).into(),
    })
}

fn figures(samples: &Samples<(ResponseMode, RequestRoute)>, mode: ResponseMode) -> ModeCpu {
    let of = |route| samples.of(&(mode, route)).iter();
    let cpu = |route| of(route).map(|sample: &Sample| sample.cpu.as_secs_f64());
    let measured = || {
        RequestRoute::ALL
            .into_iter()
            .filter(|&route| of(route).len() > 0)
    };
    let servers = || measured().filter(|&route| route != RequestRoute::Direct);
    let ratio_to = |route| Spread::of_ratios(cpu(RequestRoute::Gateway), cpu(route));
    ModeCpu {
        mode: mode.name(),
        limit: match mode {
            ResponseMode::NonStreaming => 2.0,
            ResponseMode::Stream => 0.9,
        },
        cpu_us: servers()
            .map(|route| (route.name(), 1e6 * median(cpu(route))))
            .collect(),
        requests_per_second: measured()
            .map(|route| (route.name(), median(of(route).map(|sample| sample.rate))))
            .collect(),
        ratio: ratio_to(RequestRoute::Floor),
        ratio_to_other: servers()
            .find(|&route| route == RequestRoute::Other)
            .map(ratio_to),
    }
}

impl Figures for Cpu {
    fn print(&self) {
        println!(
            "CPU time of the server process per request, {} connections",
            self.connections
        );
        println!("(in brackets the minimum and maximum ratio of the rounds)");
        for figures in &self.modes {
            print!("  {:<26}", figures.mode);
            for (name, time) in &figures.cpu_us {
                print!(" {name} {time:>6.1} µs  ");
            }
            let ratio = figures.ratio;
            println!(" ratio {ratio}");
            if let Some(ratio) = figures.ratio_to_other {
                println!("  {:<26} gateway by other {ratio}", "");
            }
        }
        println!("\nrequests per second; all processes share the machine");
        for figures in &self.modes {
            print!("  {:<26}", figures.mode);
            for (name, rate) in &figures.requests_per_second {
                print!(" {name} {rate:>7.0}  ");
            }
            println!();
        }
    }

    fn targets(&self) -> Vec<Target> {
        let target = |figures: &ModeCpu| {
            let figure = format!("CPU time, {}", figures.mode);
            Target::of_ratio(figure, figures.limit, "× floor", figures.ratio)
        };
        self.modes.iter().map(target).collect()
    }
}
