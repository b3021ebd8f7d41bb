//! Latency against load, which grows with the number of connections.

use serde::Serialize;

use super::{Bench, Figures};
use crate::Outcome;
use crate::contestants::Contestants;
use crate::exchange::{RequestRoute, ResponseMode};
use crate::sample::{Sample, Samples};
use crate::statistics::median;
use crate::target::Target;

/// Numbers of connections that send non-streaming requests.
const CONNECTIONS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Numbers of connections that send streaming requests.
const STREAMING_CONNECTIONS: [usize; 2] = [1, 64];

/// A measurement takes this fraction of the usual time: there are many.
const PART: u32 = 3;

/// Maximum of what the gateway adds to the floor's median of a non-streaming request on one
/// connection, in microseconds.
const MAX_ADDED_US: f64 = 40.0;

#[derive(Serialize)]
pub(super) struct Latency {
    points: Vec<Point>,
    /// What the gateway adds to the floor's median of a non-streaming request on one connection.
    added_to_floor_us: f64,
}

/// Medians of the rounds, in microseconds.
#[derive(Serialize)]
struct Point {
    mode: &'static str,
    connections: usize,
    route: &'static str,
    requests_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    /// The difference from the direct call.
    added_p50_us: f64,
    added_p99_us: f64,
}

type Conditions = (ResponseMode, usize, RequestRoute);

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Latency> {
    let contestants = Contestants::start(bench)?;
    let mut samples = Samples::new();
    for _ in 0..bench.options.rounds {
        for (mode, connections) in loads() {
            for (route, server) in contestants.all() {
                let exchange = route.exchange(mode);
                let time = bench.options.time / PART;
                let sample = Sample::measure(server, &exchange, connections, time).await?;
                samples.add((mode, connections, route), sample);
            }
        }
    }
    let p50 =
        |route| samples.median_us(&(ResponseMode::NonStreaming, 1, route), |sample| sample.p50);
    Ok(Latency {
        points: points(&samples),
        added_to_floor_us: p50(RequestRoute::Gateway) - p50(RequestRoute::Floor),
    })
}

fn loads() -> impl Iterator<Item = (ResponseMode, usize)> {
    let non_streaming = CONNECTIONS.map(|number| (ResponseMode::NonStreaming, number));
    let streaming = STREAMING_CONNECTIONS.map(|number| (ResponseMode::Stream, number));
    non_streaming.into_iter().chain(streaming)
}

fn points(samples: &Samples<Conditions>) -> Vec<Point> {
    let mut points = Vec::new();
    for (mode, connections) in loads() {
        for route in RequestRoute::ALL {
            let of_route = samples.of(&(mode, connections, route));
            if of_route.is_empty() {
                continue;
            }
            let at = |route, figure| samples.median_us(&(mode, connections, route), figure);
            let p50 = |route| at(route, |sample| sample.p50);
            let p99 = |route| at(route, |sample| sample.p99);
            points.push(Point {
                mode: mode.name(),
                connections,
                route: route.name(),
                requests_per_second: median(of_route.iter().map(|sample| sample.rate)),
                p50_us: p50(route),
                p99_us: p99(route),
                added_p50_us: p50(route) - p50(RequestRoute::Direct),
                added_p99_us: p99(route) - p99(RequestRoute::Direct),
            });
        }
    }
    points
}

impl Figures for Latency {
    fn print(&self) {
        println!(
            "latency to the last byte of the response; \"added\" is the difference from the direct \
             call"
        );
        println!(
            "  {:<49}requests/s       p50       p99  added p50  added p99",
            ""
        );
        for point in &self.points {
            print!(
                "  {:<26} {:>2} at once  {:<8}{:>12.0}{:>7.0} µs{:>7.0} µs",
                point.mode,
                point.connections,
                point.route,
                point.requests_per_second,
                point.p50_us,
                point.p99_us,
            );
            if point.route == RequestRoute::Direct.name() {
                println!();
            } else {
                println!(
                    "{:>8.0} µs{:>8.0} µs",
                    point.added_p50_us, point.added_p99_us
                );
            }
        }
    }

    fn targets(&self) -> Vec<Target> {
        vec![Target::new(
            "p50 added to the floor's, one connection, non-streaming".to_owned(),
            MAX_ADDED_US,
            "µs",
            self.added_to_floor_us,
        )]
    }
}
