//! What keys in the store, limits, budgets, usage records and metrics cost a request.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{Bench, Figures};
use crate::Outcome;
use crate::exchange::{API_KEY, Exchange, MODEL};
use crate::processes::Server;
use crate::sample::{Sample, Samples};
use crate::statistics::{Spread, microseconds};
use crate::target::Target;

const CONNECTIONS: usize = 16;

/// Keys of the server with many keys.
const KEYS: usize = 100_000;

/// How much more a request may cost with everything on, in microseconds.
const MAX_ADDED: f64 = 3.0;

/// How much more a request may cost with many keys, as a multiple.
const MAX_RATIO: f64 = 1.1;

#[derive(Serialize)]
pub(super) struct Sharing {
    /// CPU time per request in microseconds, medians of the rounds.
    off_us: f64,
    on_us: f64,
    many_keys_us: f64,
    /// What everything on adds to the threads that serve requests, within the rounds.
    added_serving_us: Spread,
    /// What it adds to the process: also storing records.
    added_us: Spread,
    many_keys_ratio: Spread,
    /// Resident memory of a configured key, in bytes.
    memory_per_key: f64,
}

/// A gateway with a request that it accepts.
struct Variant {
    server: Server,
    exchange: Exchange,
}

pub(super) async fn run(bench: &Bench<'_>) -> Outcome<Sharing> {
    let bedrock = Server::simulator(bench.binaries, &["--response-bytes", "600"])?;
    let executable = &bench.binaries.gateway;
    let start =
        |configuration: &str| Server::gateway(executable, configuration, bench.binaries, &bedrock);
    let of_key = |server, key: &str| Variant {
        server,
        exchange: Exchange::of(MODEL, key),
    };
    let off = of_key(start("")?, API_KEY);
    let many_keys = of_key(start(&many_keys())?, API_KEY);
    let shared = SharedGateway::in_directory(&bench.binaries.directory);
    let key = shared.create_key(executable)?;
    let on = of_key(start(&shared.configuration)?, &key);

    let mut samples = Samples::new();
    for _ in 0..bench.options.rounds {
        for (name, variant) in [("off", &off), ("on", &on), ("many keys", &many_keys)] {
            let Variant { server, exchange } = variant;
            let time = bench.options.time;
            samples.add(
                name,
                Sample::measure(server, exchange, CONNECTIONS, time).await?,
            );
        }
    }
    let at = |name, time: fn(&Sample) -> Duration| {
        let samples: &[Sample] = samples.of(&name);
        samples.iter().map(move |sample| microseconds(time(sample)))
    };
    let added = |time| {
        let pairs = at("on", time).zip(at("off", time));
        Spread::of(pairs.map(|(on, off)| on - off))
    };
    let idle = |variant: &Variant| Outcome::Ok(variant.server.memory()?.resident as f64);
    Ok(Sharing {
        off_us: samples.median_us(&"off", |sample| sample.cpu),
        on_us: samples.median_us(&"on", |sample| sample.cpu),
        many_keys_us: samples.median_us(&"many keys", |sample| sample.cpu),
        added_serving_us: added(|sample| sample.serving_cpu),
        added_us: added(|sample| sample.cpu),
        many_keys_ratio: Spread::of_ratios(
            at("many keys", |sample| sample.cpu),
            at("off", |sample| sample.cpu),
        ),
        memory_per_key: 1024.0 * (idle(&many_keys)? - idle(&off)?) / KEYS as f64,
    })
}

/// A configuration with everything on, and limits that are never reached.
struct SharedGateway {
    file: PathBuf,
    configuration: String,
}

impl SharedGateway {
    fn in_directory(directory: &Path) -> Self {
        let store = directory.join("sharing.db");
        let limits = "requests_per_minute = 1000000000\n\
                      tokens_per_minute = 1000000000\n\
                      max_concurrent_requests = 1000000\n\
                      budgets = [{ usd = \"9000000\", per = \"month\" }]\n";
        Self {
            file: directory.join("sharing.toml"),
            configuration: format!(
                "[store]\npath = \"{}\"\n\
                 [admin]\nlisten = \"127.0.0.1:0\"\n\
                 [organization]\n{limits}[teams.bench]\n{limits}user = {{ requests_per_minute = \
                 1000000000 }}\n",
                store.display()
            ),
        }
    }

    /// Creates a key in the store.
    fn create_key(&self, executable: &Path) -> Outcome<String> {
        std::fs::write(&self.file, &self.configuration)?;
        let mut command = Command::new(executable);
        command
            .args([
                "keys", "create", "--json", "--team", "bench", "--name", "bench",
            ])
            .args([
                "--user",
                "generator",
                "--rpm",
                "1000000000",
                "--tpm",
                "1000000000",
            ])
            .args([
                "--budget-usd",
                "9000000",
                "--budget-per",
                "month",
                "--config",
            ])
            .arg(&self.file);
        let output = command.output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        let created: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| format!("{command:?} printed no key: {error}"))?;
        let key = created.get("key").and_then(Value::as_str);
        Ok(key.ok_or("the key is missing")?.to_owned())
    }
}

fn many_keys() -> String {
    let mut configuration = "[keys]\n".to_owned();
    for index in 0..KEYS {
        let _ = writeln!(
            configuration,
            "caller-{index} = \"sk-bench-caller-{index:06}\""
        );
    }
    configuration
}

impl Figures for Sharing {
    fn print(&self) {
        println!("CPU time of a non-streaming request, {CONNECTIONS} connections");
        println!(
            "  a key in the environment           {:>6.1} µs",
            self.off_us
        );
        println!(
            "  everything on                      {:>6.1} µs, {} µs more on the threads that serve \
             requests, {} µs in the process",
            self.on_us, self.added_serving_us, self.added_us
        );
        println!(
            "  {KEYS} more keys                {:>6.1} µs, ratio {}, {:.0} bytes of memory a key",
            self.many_keys_us, self.many_keys_ratio, self.memory_per_key
        );
    }

    fn targets(&self) -> Vec<Target> {
        let added = "CPU time added by keys, limits, budgets, usage and metrics";
        let added_serving = format!("{added}, threads that serve requests");
        let added = format!("{added}, process");
        let many = format!("CPU time with {KEYS} keys");
        vec![
            Target::of_ratio(added_serving, MAX_ADDED, "µs", self.added_serving_us),
            Target::of_ratio(added, MAX_ADDED, "µs", self.added_us),
            Target::of_ratio(many, MAX_RATIO, "× with one", self.many_keys_ratio),
        ]
    }
}
