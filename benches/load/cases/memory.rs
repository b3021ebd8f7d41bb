use std::fs;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use crate::Outcome;
use crate::exchange::{Exchange, RequestRoute, ResponseMode};
use crate::generator;
use crate::options::Options;
use crate::processes::{Binaries, Memory, Server};

/// Maximum number of rounds: memory hardly varies between them.
const MAX_ROUNDS: usize = 3;

/// Wait between opening the streams and reading memory.
const SETTLE: Duration = Duration::from_secs(1);

/// Open files of a process, besides two per stream.
const OTHER_FILES: usize = 100;

/// Results of a round.
pub(crate) struct MemoryRound {
    pub(crate) floor: Footprint,
    pub(crate) gateway: Footprint,
}

/// Memory of one process.
pub(crate) struct Footprint {
    /// Before the first request.
    pub(crate) idle: Memory,
    /// With all streams open.
    pub(crate) open: Memory,
}

/// The number of streams that the limit on open files allows, up to `requested`; `None` if it is
/// too low.
pub(crate) fn max_streams(requested: usize) -> Outcome<Option<usize>> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find_map(|l| l.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next());
    // The limit is `unlimited`.
    let files = soft.and_then(|soft| soft.parse::<usize>().ok());
    let enough = files.is_none_or(|files| files >= 2 * requested + OTHER_FILES);
    Ok(enough.then_some(requested))
}

/// Measures floor and gateway in turn, in new processes each time: an allocator keeps memory from
/// earlier load.
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

/// Makes the simulator stall every stream after its start.
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
