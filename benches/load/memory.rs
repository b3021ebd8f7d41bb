use std::fs;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::Outcome;
use crate::exchange::{Exchange, RequestRoute, ResponseMode};
use crate::generator;
use crate::options::Options;
use crate::processes::{Binaries, Memory, Server};

/// The most rounds that are worth it: memory hardly differs between them.
const MAX_ROUNDS: usize = 3;

/// How long the streams stand before memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// Files that a process needs beside two for each stream.
const OTHER_FILES: usize = 100;

/// What a round has shown.
pub(crate) struct MemoryRound {
    pub(crate) floor: Footprint,
    pub(crate) gateway: Footprint,
}

/// The memory of one process.
pub(crate) struct Footprint {
    /// Before the first request.
    pub(crate) idle: Memory,
    /// With all streams open.
    pub(crate) open: Memory,
}

/// How many streams can be opened here: so many, or nothing where the system allows too few files.
pub(crate) fn max_streams(requested: usize) -> Outcome<Option<usize>> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // Not a number: unlimited.
    let files = soft.and_then(|soft| soft.parse::<usize>().ok());
    let enough = files.is_none_or(|files| files >= 2 * requested + OTHER_FILES);
    Ok(enough.then_some(requested))
}

/// Measures floor and gateway in turns, each time in fresh processes: an allocator keeps what
/// earlier load made it take.
pub(crate) async fn rounds(options: &Options, binaries: &Binaries) -> Outcome<Vec<MemoryRound>> {
    let bedrock = Server::simulator(binaries, &[])?;
    script_stall(&bedrock).await?;
    let mut rounds = Vec::new();
    for _ in 0..options.rounds.min(MAX_ROUNDS) {
        let floor = Server::floor(&bedrock)?;
        let floor = footprint(&floor, RequestRoute::Floor, options.streams).await?;
        let gateway = Server::gateway_for_streams(binaries, &bedrock)?;
        let gateway = footprint(&gateway, RequestRoute::Gateway, options.streams).await?;
        rounds.push(MemoryRound { floor, gateway });
    }
    Ok(rounds)
}

async fn footprint(server: &Server, route: RequestRoute, streams: usize) -> Outcome<Footprint> {
    let idle = server.memory()?;
    let exchange = route.exchange(ResponseMode::Stream);
    let open_streams = generator::open_streams(server.address, &exchange, streams).await?;
    tokio::time::sleep(SETTLE).await;
    let open = server.memory()?;
    drop(open_streams);
    Ok(Footprint { idle, open })
}

/// Has the simulator begin every stream and then say nothing more.
async fn script_stall(bedrock: &Server) -> Outcome<()> {
    let script = json!({
        "times": 0,
        "response": { "kind": "echo" },
        "faults": [{ "kind": "stall", "after_events": 2 }],
    });
    let script_request = Exchange {
        path: "/_simulator/scripts".to_owned(),
        body: Bytes::from(script.to_string()),
    };
    generator::send_once(bedrock.address, &script_request).await
}
