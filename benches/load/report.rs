use std::time::Duration;

use crate::exchange::{RequestRoute, ResponseMode};
use crate::measure::{CPU_CONNECTIONS, Cell, Cells, LATENCY_CONNECTIONS, Sample, median};
use crate::memory::{Footprint, MemoryRound};
use crate::options::Options;

/// Maximum memory of the gateway, as a multiple of the floor's.
const MEMORY_TARGET: f64 = 1.2;

/// Maximum CPU time of the gateway, as a multiple of the floor's.
fn cpu_target(mode: ResponseMode) -> f64 {
    match mode {
        ResponseMode::NonStreaming => 2.5,
        ResponseMode::Stream => 1.6,
    }
}

pub(crate) fn introduction(options: &Options) {
    let Options { rounds, time, .. } = options;
    println!(
        "rounds: {rounds}, each measurement {time:?}; all figures are medians of the rounds\n"
    );
}

/// CPU time, throughput and latency.
pub(crate) fn load(cells: &Cells) {
    println!("CPU time of the server process per request, {CPU_CONNECTIONS} connections");
    println!("(in brackets the minimum and maximum ratio of the rounds)");
    for mode in ResponseMode::ALL {
        cpu(cells, mode);
    }
    println!(
        "\nrequests per second, {CPU_CONNECTIONS} connections; all processes share the machine"
    );
    for mode in ResponseMode::ALL {
        let rate = |route| {
            let samples = samples(cells, mode, CPU_CONNECTIONS, route);
            median(samples.iter().map(|sample| sample.rate))
        };
        let [direct, floor, gateway] = RequestRoute::ALL.map(rate);
        let name = mode.name();
        println!("  {name:<26} direct {direct:>7.0}   floor {floor:>7.0}   gateway {gateway:>7.0}");
    }
    println!(
        "\nlatency to the last byte of the response; \"added\" is the difference from the direct call"
    );
    println!("  {:<47}p50      p99    added p50  added p99", "");
    for mode in ResponseMode::ALL {
        for connections in LATENCY_CONNECTIONS {
            latency(cells, mode, connections);
        }
    }
}

fn cpu(cells: &Cells, mode: ResponseMode) {
    let of = |route| samples(cells, mode, CPU_CONNECTIONS, route);
    let (floor, gateway) = (of(RequestRoute::Floor), of(RequestRoute::Gateway));
    let ratios = floor.iter().zip(gateway).map(|(floor, gateway)| {
        // A run without requests is an error, so the floor's value is never 0.
        gateway.cpu.as_secs_f64() / floor.cpu.as_secs_f64()
    });
    let ratio = median(ratios.clone());
    let min_ratio = ratios.clone().fold(f64::INFINITY, f64::min);
    let max_ratio = ratios.fold(0.0, f64::max);
    println!(
        "  {:<26} floor {:>7.1} µs   gateway {:>7.1} µs   ratio {ratio:.2} ({min_ratio:.2}–{max_ratio:.2})   {}",
        mode.name(),
        median(floor.iter().map(|sample| microseconds(sample.cpu))),
        median(gateway.iter().map(|sample| microseconds(sample.cpu))),
        verdict(ratio, cpu_target(mode)),
    );
    let other = of(RequestRoute::Other);
    if !other.is_empty() {
        let ratios = other
            .iter()
            .zip(of(RequestRoute::Gateway))
            .map(|(other, gateway)| gateway.cpu.as_secs_f64() / other.cpu.as_secs_f64());
        println!(
            "  {:<26} other {:>7.1} µs   gateway by other {:.2}",
            "",
            median(other.iter().map(|sample| microseconds(sample.cpu))),
            median(ratios),
        );
    }
}

fn latency(cells: &Cells, mode: ResponseMode, connections: usize) {
    let at = |route, percentile: fn(&Sample) -> Duration| {
        let samples = samples(cells, mode, connections, route).iter();
        median(samples.map(|sample| microseconds(percentile(sample))))
    };
    for route in RequestRoute::ALL.into_iter().chain([RequestRoute::Other]) {
        if samples(cells, mode, connections, route).is_empty() {
            continue;
        }
        let p50 = at(route, |sample| sample.p50);
        let p99 = at(route, |sample| sample.p99);
        print!(
            "  {:<26} {connections:>2} at once  {:<8}{p50:>6.0} µs{p99:>6.0} µs",
            mode.name(),
            route.name(),
        );
        match route {
            RequestRoute::Direct => println!(),
            RequestRoute::Floor | RequestRoute::Gateway | RequestRoute::Other => {
                let added_p50 = p50 - at(RequestRoute::Direct, |sample| sample.p50);
                let added_p99 = p99 - at(RequestRoute::Direct, |sample| sample.p99);
                println!("{added_p50:>10.0} µs{added_p99:>8.0} µs");
            }
        }
    }
}

/// Memory with this many streams open.
pub(crate) fn memory(streams: usize, rounds: &[MemoryRound]) {
    let mebibytes = |of: &dyn Fn(&MemoryRound) -> u64| {
        let kibibytes = rounds.iter().map(|round| of(round) as f64);
        median(kibibytes) / 1024.0
    };
    let line = |name: &str, of: fn(&MemoryRound) -> &Footprint| {
        let open = mebibytes(&|round| of(round).open.resident);
        let idle = mebibytes(&|round| of(round).idle.resident);
        let peak = mebibytes(&|round| of(round).open.peak);
        let anonymous = mebibytes(&|round| of(round).open.anonymous);
        let each = (open - idle) * 1024.0 / streams as f64;
        println!(
            "  {name:<8} idle {idle:>6.1} MiB   open {open:>6.1} MiB   peak {peak:>6.1} MiB   \
             a stream {each:>5.1} KiB   anonymous {anonymous:>6.1} MiB"
        );
        (open, anonymous)
    };
    println!("\nresident memory of the server process, {streams} open streams");
    let (floor, floor_anonymous) = line("floor", |round| &round.floor);
    let (gateway, gateway_anonymous) = line("gateway", |round| &round.gateway);
    let ratio = gateway / floor;
    println!("  ratio {ratio:.2}   {}", verdict(ratio, MEMORY_TARGET));
    println!(
        "  ratio of anonymous memory {:.2}",
        gateway_anonymous / floor_anonymous
    );
}

/// Explains why the memory measurement is missing.
pub(crate) fn too_few_files(streams: usize) {
    println!(
        "\nmemory with {streams} open streams: not measured; a process may open too few files \
         here, raise the limit first (`ulimit -n {}`)",
        4 * streams
    );
}

fn verdict(ratio: f64, target: f64) -> String {
    let met = if ratio <= target { "met" } else { "missed" };
    format!("target {target:.1}: {met}")
}

fn samples(
    cells: &Cells,
    mode: ResponseMode,
    connections: usize,
    route: RequestRoute,
) -> &[Sample] {
    let cell = Cell {
        mode,
        connections,
        route,
    };
    cells.get(&cell).map_or(&[], Vec::as_slice)
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
