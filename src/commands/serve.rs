use std::io::IsTerminal;
use std::net::SocketAddr;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::greeting::Greeting;
use super::operators::{Operators, ServedGateway};
use super::records::RecordReaders;
use super::{BAD_CONFIGURATION, STORE_REMEDY};
use crate::bedrock::{Bedrock, CredentialsTrouble};
use crate::config::{Config, Overrides, load};
use crate::http::{Shutdown, ShutdownPhase};
use crate::identity::KeyFollower;
use crate::server::{App, ConfigSource, Cores, Reloader, Router, raise_descriptor_limit, serve};
use crate::store::Store;
use crate::telemetry::{self, LogLevel};

/// The time to store the end of responses in the background.
const LAST_RESPONSES: Duration = Duration::from_secs(5);

/// `outcrop serve`
pub(super) async fn run(overrides: &Overrides) -> ExitCode {
    let config = match load(overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    // Without a file, the store has no keys, and nothing else need be tried.
    if !config.requires_credentials()
        && !Store::at(&config.store.path).exists()
        && let Err(mistakes) = config.check_without_keys()
    {
        eprintln!("outcrop: {mistakes}");
        return ExitCode::from(BAD_CONFIGURATION);
    }
    let log = telemetry::start(&config.log);
    let bedrock = match Bedrock::connect(&config.bedrock).await {
        Ok(bedrock) => bedrock,
        Err(error) => {
            eprintln!("outcrop: {error}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    tracing::info!(
        region = bedrock.region(),
        endpoint = bedrock.runtime_endpoint(),
        keys = config.keys.len(),
        models = config.models.len(),
        "outcrop {}",
        env!("CARGO_PKG_VERSION"),
    );
    if config.requires_credentials() && config.seal_keys.is_empty() {
        tracing::warn!(
            "no `[responses] seal_keys`: the reasoning that clients of /v1/responses keep does not \
             survive a restart, and other instances cannot read it"
        );
    }
    match listen(&config).await {
        Ok(listener) => {
            let greet = |app: Arc<App>, address| {
                tokio::spawn(greet(app, address));
            };
            let reloads = Some((overrides.clone().into(), log.level()));
            serve_until_signal(listener, &config, bedrock, reloads, greet).await
        }
        Err(code) => code,
    }
}

/// Prints the greeting, or a warning without credentials. Requests are served meanwhile.
async fn greet(app: Arc<App>, address: SocketAddr) {
    if let Err(error) = app.bedrock.credentials().await {
        let trouble = CredentialsTrouble::of(&error, app.bedrock.profile());
        tracing::warn!(
            error = trouble.finding,
            "no AWS credentials: requests will fail; {}",
            trouble.remedy
        );
        return;
    }
    // Only on a terminal, and on standard error: standard output has the log.
    if std::io::stderr().is_terminal() {
        let greeting = Greeting::of(&app, address).await;
        telemetry::flush();
        eprint!("{greeting}");
    }
}

/// Binds the address of the configuration.
pub(super) async fn listen(config: &Config) -> Result<TcpListener, ExitCode> {
    let address = config.server.listen;
    TcpListener::bind(address).await.map_err(|error| {
        eprintln!(
            "outcrop: cannot listen on {address}: {error}; choose another address with --listen"
        );
        ExitCode::FAILURE
    })
}

/// Serves until a signal, then shuts down gracefully. `listening` is called once requests are
/// served. With `reloads`, the configuration is reloaded from there.
pub(super) async fn serve_until_signal(
    listener: TcpListener,
    config: &Config,
    bedrock: Bedrock,
    reloads: Option<(ConfigSource, LogLevel)>,
    listening: impl FnOnce(Arc<App>, SocketAddr),
) -> ExitCode {
    raise_descriptor_limit();
    let cores = match Cores::start(available_parallelism().unwrap_or(NonZero::<usize>::MIN)) {
        Ok(cores) => cores,
        Err(error) => {
            eprintln!("outcrop: cannot start the runtimes: {error}");
            return ExitCode::FAILURE;
        }
    };
    let operators = match Operators::listen(config).await {
        Ok(operators) => operators,
        Err(code) => return code,
    };
    let shutdown = Shutdown::default();
    let records = RecordReaders::start(config, operators.as_ref().map(Operators::usage_reader));
    let app = match App::new(config, bedrock, records.queue.clone(), shutdown.clone()) {
        Ok(app) => app,
        Err(error) => {
            eprintln!("outcrop: {error}");
            return ExitCode::FAILURE;
        }
    };
    records.seed(&app.limits, config);
    if let Some(batches) = &app.batches
        && let Err(error) = batches.ready().await
    {
        eprintln!("outcrop: cannot open the store: {error}; see `[store] path`");
        return ExitCode::FAILURE;
    }
    if let Err(error) = app.responses.state.ready().await {
        eprintln!("outcrop: cannot open the store: {error}; see `[store] path`");
        return ExitCode::FAILURE;
    }
    let follower = match follow_keys(&app, config).await {
        Ok(follower) => tokio::spawn(follower.run()),
        Err(code) => return code,
    };
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
        listening(Arc::clone(&app), address);
    }
    let router = Router::new(Arc::clone(&app));
    let signals = drain_on_signal(shutdown.clone(), router.clone(), records.clone());
    let signals = tokio::spawn(signals);
    let reloads = reloads.map(|(source, log)| Reloader::new(source, router.clone(), Some(log)));
    let (reloader, reload) = reloads.unzip();
    let reloader = reloader.map(|reloader| tokio::spawn(reloader.run()));
    let operators = operators.map(|operators| {
        operators.serve(ServedGateway {
            router: router.clone(),
            shutdown: shutdown.clone(),
            reload,
            load: cores.load(),
            records: records.clone(),
        })
    });
    let serving = serve(listener, router, &cores, shutdown.clone(), &config.server);
    serving.await;
    // What works without a client finishes. Batches are resumed by the next process.
    let finished = async {
        if let Some(batches) = &app.batches {
            batches.stopped().await;
        }
        app.background.stopped().await;
    };
    let finished = tokio::time::timeout(config.server.grace_period, finished);
    if finished.await.is_err() {
        tracing::warn!(
            "the grace period is over; active requests of batches will be sent again, and responses in \
             the background fail"
        );
        shutdown.advance(ShutdownPhase::Ending);
        let stored = tokio::time::timeout(LAST_RESPONSES, app.background.stopped());
        if stored.await.is_err() {
            tracing::warn!("the end of responses in the background could not be stored");
        }
    }
    cores.stop().await;
    // All requests have ended.
    records.drain().await;
    app.store.close().await;
    if let Some(operators) = operators {
        operators.stop().await;
    }
    follower.abort();
    signals.abort();
    if let Some(reloader) = reloader {
        reloader.abort();
    }
    tracing::info!("stopped");
    ExitCode::SUCCESS
}

/// Reads the keys of the store, and checks that without any key only this machine is served.
async fn follow_keys(app: &App, config: &Config) -> Result<KeyFollower, ExitCode> {
    let callers = &app.http.callers;
    let mut follower = KeyFollower::new(callers, Arc::clone(&app.store));
    let looked = follower.look().await;
    if callers.have_keys() {
        return Ok(follower);
    }
    // Whether requests need a key is not known.
    if let Err(error) = looked {
        eprintln!("outcrop: cannot read keys from the store: {error}; {STORE_REMEDY}");
        return Err(ExitCode::FAILURE);
    }
    if let Err(mistakes) = config.check_without_keys() {
        eprintln!("outcrop: {mistakes}");
        return Err(ExitCode::from(BAD_CONFIGURATION));
    }
    tracing::warn!(
        "there are no API keys: only this machine can call the gateway; `outcrop keys create` \
         creates one"
    );
    Ok(follower)
}

/// Starts the shutdown. After SIGTERM, load balancers have `drain_delay` to notice; a second
/// SIGTERM or SIGINT skips it. Another SIGINT skips the grace period.
async fn drain_on_signal(shutdown: Shutdown, router: Router, records: RecordReaders) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("cannot receive signals; the process will end without a graceful shutdown");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {
            shutdown.advance(ShutdownPhase::Draining);
            tracing::info!("draining: /readyz fails");
            let drain_delay = router.app().http.settings.drain_delay;
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ = interrupt.recv() => shutdown.advance(ShutdownPhase::Draining),
    }
    shutdown.advance(ShutdownPhase::Closing);
    interrupt.recv().await;
    records.drain().await;
    telemetry::flush();
    std::process::exit(130);
}
