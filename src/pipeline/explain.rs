//! What the gateway would send for a chat request, without sending it.

use bytes::Bytes;
use serde::Serialize;

use super::{ChatCall, Pipeline, model_name, note_request};
use crate::bedrock::Call;
use crate::converse::request::ConverseRequest;
use crate::fault::Fault;
use crate::limits::Refused;
use crate::models::{Tier, Tokens};
use crate::openai::chat::Translated;
use crate::record::usd;

/// Bytes of JSON to a token, where Bedrock does not count: English has about four characters to
/// one.
const BYTES_A_TOKEN: u64 = 4;

#[derive(Serialize)]
struct Explanation<'a> {
    object: &'static str,
    model: &'a str,
    target: TargetObject<'a>,
    /// How many times the request is sent.
    answers: u32,
    adjustments: Vec<AdjustmentObject<'a>>,
    cache_points: Vec<CachePointObject>,
    input_tokens: InputTokens,
    price: PriceObject,
    converse: &'a ConverseRequest,
}

#[derive(Serialize)]
struct TargetObject<'a> {
    model_id: &'a str,
    operation: &'static str,
    region: &'a str,
    /// Absent where the table does not know the model.
    #[serde(skip_serializing_if = "str::is_empty")]
    family: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    /// The day from which the model answers no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_of_life: Option<&'a str>,
    /// Whether AWS counts it among the legacy models, which accounts new to them are refused.
    legacy: bool,
}

#[derive(Serialize)]
struct AdjustmentObject<'a> {
    field: &'a str,
    action: &'a str,
}

#[derive(Serialize)]
struct CachePointObject {
    /// Where it stands in the Converse request.
    path: String,
    ttl: &'static str,
}

#[derive(Serialize)]
struct InputTokens {
    count: u64,
    /// Who counted: `CountTokens`, or nobody.
    source: &'static str,
}

#[derive(Serialize)]
struct PriceObject {
    /// What reading the request costs without a cache, in USD; `unknown` without a price.
    input_usd: String,
}

impl Pipeline {
    /// The JSON of what would be sent for a chat request. Nothing is sent to a model; its tokens
    /// are counted where Bedrock counts for it.
    pub async fn explain(&self, call: ChatCall) -> Result<Bytes, Refused> {
        let record = std::sync::Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut draft = self.draft(call, &name).await?;
        let target = draft.target.model.as_str().into();
        let _permit = self.limiter.admit(&draft.caller, &target)?;
        let translated = draft.translate(&self.memory)?;
        note_request(&record, &translated);
        let Translated {
            converse,
            plan,
            adjustments,
        } = &translated;
        let body = serde_json::to_vec(converse).map_err(|_| Fault::internal())?;
        let estimate = body.len() as u64 / BYTES_A_TOKEN;
        let target = &draft.target;
        let known = &target.known;
        let counted = match known.facts.count_tokens {
            true => {
                let call = Call {
                    model: known.known_as.clone(),
                    body: body.into(),
                };
                // Not every model that the table has is counted for everywhere.
                self.bedrock.count_tokens(call).await.ok()
            }
            false => None,
        };
        let input_tokens = match counted {
            Some(count) => InputTokens {
                count,
                source: "CountTokens",
            },
            None => InputTokens {
                count: estimate,
                source: "estimate",
            },
        };
        let tokens = Tokens {
            input: input_tokens.count,
            ..Tokens::default()
        };
        let price = known.price.as_ref();
        let notes = adjustments.iter();
        let explanation = Explanation {
            object: "outcrop.explanation",
            model: &name,
            target: TargetObject {
                model_id: target.model.as_str(),
                operation: match plan.whole {
                    true => "Converse",
                    false => "ConverseStream",
                },
                region: self.bedrock.region(),
                family: &known.facts.family,
                context_window: known.context_window,
                max_output_tokens: known.output_limit,
                end_of_life: known.end_of_life.as_deref(),
                legacy: known.legacy,
            },
            answers: plan.answers,
            adjustments: notes
                .map(|note| AdjustmentObject {
                    field: &note.field,
                    action: &note.action,
                })
                .collect(),
            cache_points: converse
                .cache_points()
                .map(|(path, point)| CachePointObject {
                    path,
                    ttl: match point.ttl {
                        Some(ttl) => ttl.as_str(),
                        None => "5m",
                    },
                })
                .collect(),
            input_tokens,
            price: PriceObject {
                input_usd: usd(price.and_then(|price| price.cost(&tokens, Tier::Default))),
            },
            converse,
        };
        let json = serde_json::to_vec(&explanation).map_err(|_| Fault::internal())?;
        Ok(json.into())
    }
}
