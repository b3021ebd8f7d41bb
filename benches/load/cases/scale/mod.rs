//! Whether a request costs the same with more connections, models, keys and open streams.

mod variants;

use std::time::Duration;

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::exchange::{Exchange, RequestRoute};
use crate::processes::Server;
use crate::sample::{Sample, Samples};
use crate::statistics::{Spread, microseconds};
use crate::target::Target;

/// A measurement takes this fraction of the usual time: there are many.
const PART: u32 = 3;

/// Maximum cost of a request, as a multiple of that with the smallest number.
const MAX_RATIO: f64 = 1.1;

#[derive(Serialize)]
pub(super) struct Scale {
    series: Vec<Series>,
    /// What was not measured, and why.
    skipped: Vec<String>,
}

#[derive(Serialize)]
struct Series {
    /// What there is more of.
    of: &'static str,
    route: &'static str,
    points: Vec<Point>,
}

/// Medians of the rounds.
#[derive(Serialize)]
struct Point {
    number: usize,
    p50_us: f64,
    /// CPU time of the server process per request.
    cpu_us: f64,
    /// Multiples of the first point's figures in the same round.
    p50_ratio: Spread,
    cpu_ratio: Spread,
}

/// What is measured for a point.
struct Variant<'a> {
    number: usize,
    connections: usize,
    server: &'a Server,
    exchange: Exchange,
}

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Scale> {
    let mut series = variants::connections(bench).await?;
    series.extend(variants::models_and_keys(bench).await?);
    series.extend(variants::open_streams(bench).await?);
    Ok(Scale {
        series,
        skipped: variants::skipped(),
    })
}

/// Measures the variants in turns.
async fn series(
    bench: &Bench<'_>,
    of: &'static str,
    route: RequestRoute,
    variants: &[Variant<'_>],
) -> Outcome<Series> {
    let mut samples = Samples::new();
    for _ in 0..bench.options.rounds {
        for variant in variants {
            let Variant {
                number,
                connections,
                server,
                exchange,
            } = variant;
            let time = bench.options.time / PART;
            let sample = Sample::measure(server, exchange, *connections, time).await?;
            samples.add(*number, sample);
        }
    }
    let first = variants.first().map_or(0, |variant| variant.number);
    let ratio = |number, figure: fn(&Sample) -> Duration| {
        let figures = |number| {
            let samples = samples.of(number).iter();
            samples.map(move |sample| microseconds(figure(sample)))
        };
        Spread::of_ratios(figures(number), figures(&first))
    };
    let points = variants.iter().map(|Variant { number, .. }| Point {
        number: *number,
        p50_us: samples.median_us(number, |sample| sample.p50),
        cpu_us: samples.median_us(number, |sample| sample.cpu),
        p50_ratio: ratio(number, |sample| sample.p50),
        cpu_ratio: ratio(number, |sample| sample.cpu),
    });
    Ok(Series {
        of,
        route: route.name(),
        points: points.collect(),
    })
}

impl Figures for Scale {
    fn print(&self) {
        println!("cost of a non-streaming request, and its ratio to the first number");
        for Series { of, route, points } in &self.series {
            for point in points {
                println!(
                    "  {:<8} {:>6} {:<16} CPU time {:>6.1} µs, {:<22} p50 {:>7.0} µs, {}",
                    route,
                    point.number,
                    of,
                    point.cpu_us,
                    point.cpu_ratio.to_string(),
                    point.p50_us,
                    point.p50_ratio,
                );
            }
        }
        for skipped in &self.skipped {
            println!("  not measured: {skipped}");
        }
    }

    /// With more connections than cores, most of the latency is queueing: only their CPU time has a
    /// target.
    fn targets(&self) -> Vec<Target> {
        let gateway = RequestRoute::Gateway.name();
        let mut targets = Vec::new();
        for series in self.series.iter().filter(|series| series.route == gateway) {
            let (Some(first), Some(last)) = (series.points.first(), series.points.last()) else {
                continue;
            };
            let of = series.of;
            let target = |figure, ratio| {
                let figure = format!("{figure} with {} {of}", last.number);
                let unit = format!("× with {}", first.number);
                Target::of_ratio(figure, MAX_RATIO, &unit, ratio)
            };
            targets.push(target("CPU time", last.cpu_ratio));
            if of != "connections" {
                targets.push(target("p50", last.p50_ratio));
            }
        }
        targets
    }
}
