use crate::Outcome;
use crate::cases::Bench;
use crate::exchange::RequestRoute;
use crate::processes::Server;

/// The servers that take turns, and the Bedrock that they call.
pub(crate) struct Contestants {
    bedrock: Server,
    floor: Server,
    gateway: Server,
    /// The gateway of `--against`.
    other: Option<Server>,
}

impl Contestants {
    /// Starts them with a response of 600 bytes or 50 deltas and the gateway's default
    /// configuration.
    pub(crate) fn start(bench: &Bench) -> Outcome<Self> {
        Self::start_with(bench, &["--response-bytes", "600", "--deltas", "50"], "")
    }

    /// Starts them with these arguments of the simulator and this configuration of the gateway.
    pub(crate) fn start_with(
        bench: &Bench,
        simulator_arguments: &[&str],
        configuration: &str,
    ) -> Outcome<Self> {
        let Bench { binaries, options } = bench;
        let bedrock = Server::simulator(binaries, simulator_arguments)?;
        let gateway = |executable| Server::gateway(executable, configuration, binaries, &bedrock);
        Ok(Self {
            floor: Server::floor(&bedrock)?,
            gateway: gateway(&binaries.gateway)?,
            other: options.against.as_deref().map(gateway).transpose()?,
            bedrock,
        })
    }

    pub(crate) fn bedrock(&self) -> &Server {
        &self.bedrock
    }

    /// In the order of a round: compared values are measured close together.
    pub(crate) fn all(&self) -> impl Iterator<Item = (RequestRoute, &Server)> {
        let always = [
            (RequestRoute::Direct, &self.bedrock),
            (RequestRoute::Floor, &self.floor),
            (RequestRoute::Gateway, &self.gateway),
        ];
        let other = self.other.iter().map(|other| (RequestRoute::Other, other));
        always.into_iter().chain(other)
    }
}
