use std::path::PathBuf;
use std::time::Duration;

use crate::Outcome;

pub(crate) enum Command {
    /// Measure, and print a report.
    Measure(Options),
    /// Run the floor in front of `upstream`.
    Floor { upstream: String },
    /// Do nothing: `cargo test --all-targets` also runs benchmarks, without `--bench`.
    NoOperation,
}

pub(crate) struct Options {
    /// Number of rounds; the report contains medians.
    pub(crate) rounds: usize,
    /// Duration of one measurement.
    pub(crate) time: Duration,
    /// Number of open streams for the memory measurement.
    pub(crate) streams: usize,
    /// Executable of another gateway, measured in turn with this one.
    pub(crate) against: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            rounds: 5,
            time: Duration::from_millis(1500),
            streams: 1000,
            against: None,
        }
    }
}

impl Command {
    /// Parses the arguments after the program name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut options = Options::default();
        let mut is_bench = false;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // `cargo bench` adds this.
                "--bench" => is_bench = true,
                "--quick" => {
                    options = Options {
                        rounds: 1,
                        time: Duration::from_millis(150),
                        streams: 100,
                        ..options
                    };
                }
                "--rounds" => options.rounds = positive(arguments.next())?,
                "--against" => {
                    let path = arguments
                        .next()
                        .ok_or("`--against` needs the path of an executable")?;
                    options.against = Some(PathBuf::from(path).canonicalize()?);
                }
                "floor" => {
                    let upstream = arguments.next().ok_or("`floor` needs an upstream URL")?;
                    return Ok(Self::Floor { upstream });
                }
                other => {
                    let usage_hint = "use `--quick`, `--rounds N` or `--against EXECUTABLE`";
                    return Err(format!("unknown argument `{other}`; {usage_hint}").into());
                }
            }
        }
        Ok(match is_bench {
            true => Self::Measure(options),
            false => Self::NoOperation,
        })
    }
}

fn positive(value: Option<String>) -> Outcome<usize> {
    let number = value.and_then(|value| value.parse().ok());
    number
        .filter(|&number| number > 0)
        .ok_or_else(|| "`--rounds` needs a number of 1 or more".into())
}
