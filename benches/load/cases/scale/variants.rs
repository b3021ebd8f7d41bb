//! The servers and requests that are compared.

use std::path::Path;

use super::{Series, Variant, series};
use crate::Outcome;
use crate::cases::Bench;
use crate::contestants::Contestants;
use crate::exchange::{Exchange, MODEL, RequestRoute, ResponseMode};
use crate::generator::{self, OpenStream};
use crate::processes::{MANY_REQUESTS, Server, max_streams};

/// Numbers of connections with requests.
const CONNECTIONS: [usize; 4] = [1, 16, 64, 256];

/// Numbers of connections with requests, in the other series.
const USUAL_CONNECTIONS: usize = 16;

/// Numbers of models and keys in the gateway's configuration.
const CONFIGURED: [usize; 3] = [10, 1000, 10_000];

/// Numbers of streams that are open, without events, besides the connections with requests.
const OPEN_STREAMS: [usize; 3] = [10, 1000, 10_000];

pub(super) async fn connections(bench: &Bench<'_>) -> Outcome<Vec<Series>> {
    let contestants = Contestants::start(bench)?;
    let mut all = Vec::new();
    for (route, server) in contestants.all() {
        if route == RequestRoute::Direct {
            continue;
        }
        let variants = CONNECTIONS.map(|number| Variant {
            number,
            connections: number,
            server,
            exchange: route.exchange(ResponseMode::NonStreaming),
        });
        all.push(series(bench, "connections", route, &variants).await?);
    }
    Ok(all)
}

pub(super) async fn models_and_keys(bench: &Bench<'_>) -> Outcome<Vec<Series>> {
    let bedrock = Server::simulator(bench.binaries, &["--response-bytes", "600"])?;
    let mut all = Vec::new();
    for (route, executable) in bench.gateways() {
        let start = |number| {
            let configuration = with_models_and_keys(number);
            let server = Server::gateway(executable, &configuration, bench.binaries, &bedrock)?;
            Outcome::Ok((number, server))
        };
        let servers: Vec<_> = CONFIGURED.into_iter().map(start).collect::<Outcome<_>>()?;
        let variants = servers.iter().map(|(number, server)| Variant {
            number: *number,
            connections: USUAL_CONNECTIONS,
            server,
            exchange: Exchange::of(&model(*number), &key(*number)),
        });
        let variants: Vec<_> = variants.collect();
        all.push(series(bench, "models and keys", route, &variants).await?);
    }
    Ok(all)
}

/// A configuration of the gateway with this many models and keys.
fn with_models_and_keys(number: usize) -> String {
    let keys = (1..=number).map(|index| format!("caller-{index} = \"{}\"\n", key(index)));
    let models = (1..=number).map(|index| format!("{} = \"{}\"\n", model(index), MODEL));
    let (keys, models) = (String::from_iter(keys), String::from_iter(models));
    format!("[keys]\n{keys}[models]\n{models}")
}

fn key(index: usize) -> String {
    format!("sk-bench-caller-{index:06}")
}

fn model(index: usize) -> String {
    format!("model-{index}")
}

pub(super) async fn open_streams(bench: &Bench<'_>) -> Outcome<Vec<Series>> {
    let mut all = Vec::new();
    for (route, executable) in bench.gateways() {
        let mut servers = Vec::new();
        for number in OPEN_STREAMS {
            if number <= max_streams() {
                servers.push((number, WithStreams::start(bench, executable, number).await?));
            }
        }
        let variants = servers.iter().map(|(number, server)| Variant {
            number: *number,
            connections: USUAL_CONNECTIONS,
            server: &server.gateway,
            exchange: route.exchange(ResponseMode::NonStreaming),
        });
        let variants: Vec<_> = variants.collect();
        all.push(series(bench, "open streams", route, &variants).await?);
    }
    Ok(all)
}

/// The numbers of streams that the limit of open files does not allow.
pub(super) fn skipped() -> Vec<String> {
    let max = max_streams();
    let too_many = OPEN_STREAMS.into_iter().filter(|&number| number > max);
    let reason = |number| {
        format!("{number} open streams: the limit of open files allows {max} (`ulimit -Hn`)")
    };
    too_many.map(reason).collect()
}

/// A gateway with open streams.
struct WithStreams {
    gateway: Server,
    _bedrock: Server,
    _streams: Vec<OpenStream>,
}

impl WithStreams {
    async fn start(bench: &Bench<'_>, executable: &Path, number: usize) -> Outcome<Self> {
        // A stream has an event in an hour; non-streaming responses do not wait.
        let arguments = ["--response-bytes", "600", "--delta-interval-ms", "3600000"];
        let bedrock = Server::simulator(bench.binaries, &arguments)?;
        let gateway = Server::gateway(executable, MANY_REQUESTS, bench.binaries, &bedrock)?;
        let exchange = RequestRoute::Gateway.exchange(ResponseMode::Stream);
        let streams = generator::open_streams(gateway.address, &exchange, number).await?;
        Ok(Self {
            gateway,
            _bedrock: bedrock,
            _streams: streams,
        })
    }
}
