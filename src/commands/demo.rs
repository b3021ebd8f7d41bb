use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bedrock_simulator::{Options, Simulator};

use super::BAD_CONFIGURATION;
use super::healthcheck::reachable;
use super::serve::{listen, serve_until_signal};
use crate::bedrock::{Bedrock, BedrockSettings, SimulatedBedrock};
use crate::config::{
    Config, ConfigFile, ModelEntry, Overrides, S3Settings, StoreSettings, VideoSettings, load,
};
use crate::models::ModelId;
use crate::server::{App, ConfigSource};
use crate::telemetry;

/// The delay of the simulated model before each word.
const WORD_DELAY: Duration = Duration::from_millis(30);

/// The bucket that the simulator has by default.
const BUCKET: &str = "outcrop-example";

/// The aliases of the demo.
const NAMES: &[(&str, &str)] = &[
    ("gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("gpt-4o-mini", "us.amazon.nova-2-lite-v1:0"),
    ("text-embedding-3-small", "amazon.titan-embed-text-v2:0"),
    ("gpt-image-1", "stability.stable-image-core-v1:1"),
    ("sora-2", "luma.ray-v2:0"),
];

/// `outcrop demo`
pub(super) async fn run(
    file: Option<PathBuf>,
    listen_on: Option<String>,
    environment: Overrides,
) -> ExitCode {
    let has_file = file.is_some();
    let overrides = Overrides {
        // Without a name, the demo reads no file, not even one in the working directory.
        file: match has_file {
            true => file.into(),
            false => ConfigFile::None,
        },
        listen: listen_on,
        ..environment
    };
    let config = match load(&overrides) {
        Ok(config) => config,
        Err(mistakes) => {
            eprintln!("outcrop: {mistakes}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let log = telemetry::start(&config.log);
    let options = Options {
        word_delay: WORD_DELAY,
        ..Options::default()
    };
    let simulator = match Simulator::start(options).await {
        Ok(simulator) => simulator,
        Err(error) => {
            eprintln!("outcrop: cannot start the simulated Bedrock: {error}");
            return ExitCode::FAILURE;
        }
    };
    let store = match has_file {
        true => config.store.clone(),
        // No file has this path: keys in the working directory are not those of the demo.
        false => StoreSettings {
            path: PathBuf::new(),
        },
    };
    let mut config = Config {
        store,
        ..amended(config)
    };
    config.bedrock.simulated = Some(SimulatedBedrock::at(simulator.url()));
    let bedrock = match Bedrock::connect(&config.bedrock).await {
        Ok(bedrock) => bedrock,
        Err(error) => {
            eprintln!("outcrop: {error}");
            return ExitCode::FAILURE;
        }
    };
    let listener = match listen(&config).await {
        Ok(listener) => listener,
        Err(code) => return code,
    };
    let greet = |app: Arc<App>, address| {
        let base_url = format!("http://{}/v1", reachable(address));
        print!("{}", welcome(&base_url, app.http.callers.have_keys()));
    };
    let reloads = has_file.then(|| {
        let source = ConfigSource {
            overrides,
            amend: amended,
        };
        (source, log.level())
    });
    serve_until_signal(listener, &config, bedrock, reloads, greet).await
}

/// A configuration with the aliases, the bucket and the videos of the demo, and without its AWS
/// settings.
fn amended(config: Config) -> Config {
    Config {
        models: names().into_iter().chain(config.models).collect(),
        bedrock: BedrockSettings::default(),
        s3: S3Settings {
            bucket: Some(BUCKET.to_owned()),
            ..S3Settings::default()
        },
        videos: VideoSettings { enabled: true },
        ..config
    }
}

fn names() -> BTreeMap<String, ModelEntry> {
    let parsed = NAMES
        .iter()
        .filter_map(|(name, id)| Some(((*name).to_owned(), ModelId::parse(id).ok()?.into())));
    parsed.collect()
}

/// The text for the terminal. With `has_keys`, clients need an API key; keys are not printed.
fn welcome(base_url: &str, has_keys: bool) -> String {
    let (authorization, api_key) = match has_keys {
        true => ("\n    -H \"authorization: Bearer $OPENAI_API_KEY\" \\", ""),
        false => ("", ", api_key=\"none\""),
    };
    let set_key = match has_keys {
        true => "\nClients need an API key of the gateway: export OPENAI_API_KEY=...\n",
        false => "",
    };
    format!(
        r#"
Outcrop is listening on {base_url} and calls a simulated Bedrock: it uses no AWS account, and
the responses are made up. Press Ctrl-C to stop.
{set_key}
Try it with curl:

  curl -N {base_url}/chat/completions -H 'content-type: application/json' \{authorization}
    -d '{{"model": "gpt-4o", "stream": true, "messages": [{{"role": "user", "content": "Hello!"}}]}}'

or with the OpenAI SDK (pip install openai):

  from openai import OpenAI
  client = OpenAI(base_url="{base_url}"{api_key})
  stream = client.chat.completions.create(
      model="gpt-4o", stream=True, messages=[{{"role": "user", "content": "Hello!"}}])
  for chunk in stream:
      print(chunk.choices[0].delta.content or "", end="", flush=True)

Other models: text-embedding-3-small (embeddings), gpt-image-1 (images), sora-2 (videos).

"#
    )
}
