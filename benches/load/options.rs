use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;
use crate::cases::Case;

const USAGE: &str = "use `--quick`, `--rounds N`, `--cases NAME,NAME`, `--streams N`, \
                     `--paced-streams N`, `--pace N`, `--gateway EXECUTABLE`, \
                     `--against EXECUTABLE` or `--json FILE`";

pub(crate) enum Command {
    /// Measure, and print a report.
    Measure(Options),
    /// Run the floor in front of `upstream`.
    Floor { upstream: String },
    /// Do nothing: `cargo test --all-targets` also runs benchmarks, without `--bench`.
    NoOperation,
}

pub(crate) struct Options {
    /// What is measured, in this order.
    pub(crate) cases: Vec<Case>,
    /// Number of rounds; the report contains medians.
    pub(crate) rounds: usize,
    /// Duration of one measurement.
    pub(crate) time: Duration,
    /// Number of open streams for the memory measurement.
    pub(crate) streams: usize,
    /// Number of streams at a model's pace.
    pub(crate) paced_streams: usize,
    /// Their events per second, each: a divisor of 1,000, since intervals are whole milliseconds.
    pub(crate) pace: usize,
    /// Executable of the gateway that is measured; `None` builds it.
    pub(crate) gateway: Option<PathBuf>,
    /// Executable of another gateway, measured in turn with this one.
    pub(crate) against: Option<PathBuf>,
    /// The file that all figures are written to.
    pub(crate) json: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cases: Case::ALL.to_vec(),
            rounds: 5,
            time: Duration::from_millis(1500),
            streams: 1000,
            paced_streams: paced_streams_by_default(),
            pace: 20,
            gateway: None,
            against: None,
            json: None,
        }
    }
}

impl Command {
    /// Parses the arguments after the program name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Options::default();
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            let mut value = || {
                let value = arguments.next();
                value.ok_or_else(|| format!("`{argument}` needs a value"))
            };
            match argument.as_str() {
                // `cargo bench` adds this.
                "--bench" => is_bench = true,
                "--quick" => {
                    options = Options {
                        rounds: 1,
                        time: Duration::from_millis(150),
                        streams: 100,
                        paced_streams: 100,
                        ..options
                    };
                }
                "--cases" => {
                    options.cases = value()?.split(',').map(case).collect::<Outcome<_>>()?
                }
                "--rounds" => options.rounds = positive(&value()?)?,
                "--streams" => options.streams = positive(&value()?)?,
                "--paced-streams" => options.paced_streams = positive(&value()?)?,
                "--pace" => options.pace = pace(&value()?)?,
                "--gateway" => options.gateway = Some(PathBuf::from(value()?).canonicalize()?),
                "--against" => options.against = Some(PathBuf::from(value()?).canonicalize()?),
                "--json" => options.json = Some(PathBuf::from(value()?)),
                "floor" => return Ok(Self::Floor { upstream: value()? }),
                other => return Err(format!("unknown argument `{other}`; {USAGE}").into()),
            }
        }
        Ok(match is_bench {
            true => Self::Measure(options),
            false => Self::NoOperation,
        })
    }
}

/// Fewer streams on small machines, where simulator and generator take most of the processor time.
fn paced_streams_by_default() -> usize {
    const PER_CORE: usize = 250;
    (PER_CORE * cores()).min(1000)
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn case(name: &str) -> Outcome<Case> {
    let named = Case::ALL.into_iter().find(|case| case.name() == name);
    let names = Case::ALL.map(Case::name).join(", ");
    named.ok_or_else(|| format!("unknown case `{name}`; there are {names}").into())
}

fn pace(value: &str) -> Outcome<usize> {
    match positive(value)? {
        pace if 1000 % pace == 0 => Ok(pace),
        pace => Err(format!("`--pace {pace}` is not a divisor of 1000").into()),
    }
}

fn positive(value: &str) -> Outcome<usize> {
    let number = value.parse().ok().filter(|&number| number > 0);
    number.ok_or_else(|| format!("`{value}` is not a number of 1 or more").into())
}
