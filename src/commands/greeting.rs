use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;

use super::healthcheck::reachable;
use crate::server::App;

/// The text that `serve` prints on a terminal: base URL, models and a first call.
pub(super) struct Greeting {
    base_url: String,
    region: String,
    has_keys: bool,
    /// The number of listed models.
    models: usize,
    /// A cheap chat model.
    model: Option<String>,
}

/// The fields read from `/v1/models`.
#[derive(Default, Deserialize)]
struct ModelList {
    data: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: String,
    owned_by: String,
    outcrop: DescriptionFields,
}

#[derive(Deserialize)]
struct DescriptionFields {
    kind: String,
    #[serde(default)]
    endpoints: Vec<String>,
    price: Option<PriceFields>,
    life_cycle: LifeCycleFields,
}

#[derive(Deserialize)]
struct LifeCycleFields {
    status: String,
}

#[derive(Deserialize)]
struct PriceFields {
    per_million_tokens: Option<Tiers>,
}

#[derive(Deserialize)]
struct Tiers {
    default: Option<OutputPrice>,
}

#[derive(Deserialize)]
struct OutputPrice {
    /// An exact decimal.
    output: Option<String>,
}

impl Greeting {
    /// Waits for the first list of models, with the catalog's short timeout.
    pub(super) async fn of(app: &App, address: SocketAddr) -> Self {
        let list = app.catalog.list(None).await;
        let list: ModelList = serde_json::from_slice(&list).unwrap_or_default();
        Self {
            base_url: format!("http://{}/v1", reachable(address)),
            region: app.bedrock.region().to_owned(),
            has_keys: app.http.callers.have_keys(),
            models: list.data.len(),
            model: list.cheap_chat_model().map(str::to_owned),
        }
    }
}

impl ModelList {
    /// The model for a first call: preferably an alias, then one of Amazon's models, which every
    /// account may call; the cheapest of those.
    fn cheap_chat_model(&self) -> Option<&str> {
        let chat = |model: &&Model| {
            let DescriptionFields {
                endpoints,
                life_cycle,
                ..
            } = &model.outcrop;
            endpoints.iter().any(|path| path == "/v1/chat/completions")
                && life_cycle.status == "active"
        };
        let models = self.data.iter().filter(chat);
        let cheapest = models.min_by(|one, other| {
            let (one, other) = (one.rank(), other.rank());
            one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
        });
        cheapest.map(|model| model.id.as_str())
    }
}

impl Model {
    fn rank(&self) -> (bool, bool, f64) {
        let price = self.outcrop.price.as_ref();
        let tokens = price.and_then(|price| price.per_million_tokens.as_ref()?.default.as_ref());
        let output = tokens.and_then(|tokens| tokens.output.as_ref()?.parse().ok());
        (
            self.outcrop.kind != "alias",
            self.owned_by != "amazon",
            output.unwrap_or(f64::INFINITY),
        )
    }
}

impl fmt::Display for Greeting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            base_url,
            region,
            has_keys,
            models,
            model,
        } = self;
        let version = env!("CARGO_PKG_VERSION");
        let keys = match has_keys {
            true => "API keys are required",
            false => "API keys are not set: only this machine can call the gateway",
        };
        let key = if *has_keys { "YOUR-KEY" } else { "none" };
        writeln!(
            formatter,
            "\nOutcrop {version} serves Amazon Bedrock ({region}) on {base_url}\n\
             {models} models available. {keys}.\n\n  \
             export OPENAI_BASE_URL={base_url} OPENAI_API_KEY={key}\n"
        )?;
        let Some(model) = model else {
            let advice = "No chat model is listed; run `outcrop check` to find out why.\n";
            return writeln!(formatter, "{advice}");
        };
        let authorization = match has_keys {
            true => " -H \"authorization: Bearer $OPENAI_API_KEY\"",
            false => "",
        };
        writeln!(
            formatter,
            "  curl {base_url}/chat/completions -H 'content-type: application/json'{authorization} \
             -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \
             \"Hello!\"}}]}}'\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn model(id: &str, owner: &str, kind: &str, output: Option<f64>) -> Value {
        let output = output.map(|output| output.to_string());
        let tiers = json!({ "default": { "output": output } });
        json!({
            "id": id,
            "owned_by": owner,
            "outcrop": {
                "kind": kind,
                "endpoints": ["/v1/chat/completions"],
                "price": { "per_million_tokens": tiers },
                "life_cycle": { "status": "active" },
            },
        })
    }

    fn chosen(models: &[Value]) -> Option<String> {
        let list: ModelList = serde_json::from_value(json!({ "data": models })).expect("a list");
        list.cheap_chat_model().map(str::to_owned)
    }

    #[test]
    fn the_first_call_uses_a_cheap_widely_available_model() {
        let profile = "inference_profile";
        let mut models = vec![
            model("us.anthropic.a", "anthropic", profile, Some(0.1)),
            model("us.amazon.dear", "amazon", profile, Some(3.0)),
            model("us.amazon.unpriced", "amazon", profile, None),
            model("us.amazon.cheap", "amazon", profile, Some(0.2)),
        ];
        assert_eq!(chosen(&models).as_deref(), Some("us.amazon.cheap"));
        models.push(model("our-name", "anthropic", "alias", Some(15.0)));
        assert_eq!(chosen(&models).as_deref(), Some("our-name"));
        let mut embeds = model("amazon.embed", "amazon", profile, Some(0.0));
        embeds["outcrop"]["endpoints"] = json!(["/v1/embeddings"]);
        let mut old = model("amazon.old", "amazon", profile, Some(0.0));
        old["outcrop"]["life_cycle"]["status"] = "legacy".into();
        assert_eq!(chosen(&[embeds, old]), None);
    }
}
