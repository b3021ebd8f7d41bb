use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::BAD_CONFIGURATION;
use super::greeting::Greeting;
use crate::bedrock::{Bedrock, CredentialsTrouble};
use crate::config::{Config, Overrides, ServerSettings, Tables, load};
use crate::server::{App, Shutdown, ShutdownPhase, raise_descriptor_limit, router, serve};
use crate::telemetry;

/// `outcrop serve`
pub(super) async fn run(overrides: &Overrides) -> ExitCode {
    let config = match load(overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let _log = telemetry::start(&config.log);
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
    if config.keys.is_empty() {
        tracing::warn!(
            "no API keys are set: everyone on this machine may call, and nobody from elsewhere; \
             set OUTCROP_API_KEYS or `[keys]` to serve others"
        );
    }
    match listen(&config).await {
        Ok(listener) => {
            let greet = |app: Arc<App>, address| {
                tokio::spawn(greet(app, address));
            };
            serve_until_signal(listener, &config, bedrock, greet).await
        }
        Err(code) => code,
    }
}

/// What whoever has started the gateway is told once it listens. Finding out takes a moment, in
/// which requests are served.
async fn greet(app: Arc<App>, address: SocketAddr) {
    if let Err(error) = app.bedrock.credentials().await {
        let trouble = CredentialsTrouble::of(&error, app.bedrock.profile());
        tracing::warn!(
            error = trouble.finding,
            "there are no AWS credentials, and so requests fail; {}",
            trouble.remedy
        );
        return;
    }
    // People are greeted, and what collects logs is not. The log has standard output.
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
        eprintln!("outcrop: cannot listen on {address}: {error}; choose another with --listen");
        ExitCode::FAILURE
    })
}

/// Serves until a signal comes, and through what follows it. `listening` is called once requests
/// are served.
pub(super) async fn serve_until_signal(
    listener: TcpListener,
    config: &Config,
    bedrock: Bedrock,
    listening: impl FnOnce(Arc<App>, SocketAddr),
) -> ExitCode {
    raise_descriptor_limit();
    let shutdown = Shutdown::default();
    let app = match App::new(config, bedrock, shutdown.clone()) {
        Ok(app) => app,
        Err(error) => {
            eprintln!("outcrop: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(batches) = &app.batches
        && let Err(error) = batches.ready().await
    {
        eprintln!("outcrop: the store cannot be opened: {error}; see `[store] path`");
        return ExitCode::FAILURE;
    }
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
        listening(Arc::clone(&app), address);
    }
    let signals = tokio::spawn(drain_on_signal(shutdown.clone(), config.server.clone()));
    let reloads = tokio::spawn(reload_on_signal(Arc::clone(&app), config.clone()));
    serve(listener, router(Arc::clone(&app)), shutdown, &config.server).await;
    if let Some(batches) = &app.batches {
        // Requests of batches that are under way end; the rest goes on when the process does.
        let stopped = tokio::time::timeout(config.server.grace_period, batches.stopped());
        if stopped.await.is_err() {
            tracing::warn!("the grace period is over; requests of batches begin anew");
        }
    }
    signals.abort();
    reloads.abort();
    tracing::info!("stopped");
    ExitCode::SUCCESS
}

/// At SIGHUP the files of facts and prices are read again. One with a mistake in it changes nothing.
async fn reload_on_signal(app: Arc<App>, config: Config) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        tracing::error!("SIGHUP cannot be received; files of facts and prices are not read again");
        return;
    };
    while hangup.recv().await.is_some() {
        let files = config.catalog.files.clone();
        // A slow disk must not hold up the threads that serve.
        let loaded = tokio::task::spawn_blocking(move || Tables::load(&files)).await;
        match loaded.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(tables) => {
                app.pipeline.replace_tables(tables.clone());
                app.catalog.replace_tables(tables);
                tracing::info!("facts and prices of models read again");
            }
            Err(error) => tracing::error!(error, "facts and prices of models left as they were"),
        }
    }
}

/// SIGTERM leaves load balancers time to notice; a second one, or an interrupt from the keyboard,
/// does not. After that the grace period stands, which only a further interrupt cuts short.
async fn drain_on_signal(shutdown: Shutdown, settings: ServerSettings) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be received; the process ends at once when told to");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {
            shutdown.advance(ShutdownPhase::Draining);
            tracing::info!("draining: /readyz says no");
            tokio::select! {
                () = tokio::time::sleep(settings.drain_delay) => {}
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ = interrupt.recv() => shutdown.advance(ShutdownPhase::Draining),
    }
    shutdown.advance(ShutdownPhase::Closing);
    interrupt.recv().await;
    telemetry::flush();
    std::process::exit(130);
}
