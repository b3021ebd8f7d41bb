//! What the gateway would send for a chat request, without sending it.

use bytes::Bytes;
use serde::Serialize;

use super::draft::ChatRoute;
use super::input_tokens::{Count, CountSource, Uncounted};
use super::known::ModelInfo;
use super::models::ModelTarget;
use super::{ChatCall, Pipeline, model_name, note_request};
use crate::adjustments::Adjustments;
use crate::converse::estimate::estimated_tokens_of_json;
use crate::converse::options::Fields;
use crate::converse::request::ConverseRequest;
use crate::converse::trace::OPERATORS_OWN;
use crate::fault::ApiError;
use crate::limits::Refusal;
use crate::models::{ChatUpstream, OpenAiEndpoint, Tier, Tokens};
use crate::openai::chat::{ChatTranslation, ChatUpstreamRequest, UnsupportedField};
use crate::record::{Record, usd};

#[derive(Serialize)]
struct Explanation<'a> {
    object: &'static str,
    model: &'a str,
    target: TargetObject<'a>,
    /// How many times the request is sent.
    answers: u32,
    adjustments: Vec<AdjustmentObject<'a>>,
    cache_points: Vec<CachePointObject>,
    input_tokens: InputTokenEstimate,
    price: InputPriceObject,
    /// What Converse is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    converse: Option<&'a ConverseRequest>,
    /// What one of AWS's OpenAI surfaces is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_completion: Option<&'a Fields>,
}

#[derive(Serialize)]
struct TargetObject<'a> {
    model_id: &'a str,
    operation: &'static str,
    /// Which of AWS's surfaces it goes to.
    surface: &'static str,
    /// The field because of which it is not the surface that is set for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    rerouted_for: Option<&'static str>,
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
struct InputTokenEstimate {
    count: u64,
    /// Who counted: `CountTokens`, or nobody: `estimate`.
    source: &'static str,
}

#[derive(Serialize)]
struct InputPriceObject {
    /// What reading the request costs without a cache, in USD; `unknown` without a price.
    input_usd: String,
}

/// Who reads an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExplainReader {
    /// A caller, who is told of the operator's ARNs and guardrails no more than it said itself.
    Caller,
    /// The operator, at the command line.
    Operator,
}

/// What would be sent.
#[derive(Clone, Copy)]
enum Sent<'a> {
    Converse(&'a ChatTranslation, Option<UnsupportedField>),
    OpenAi(&'a ChatUpstreamRequest, OpenAiEndpoint),
}

impl Pipeline {
    /// The JSON of what would be sent for a chat request. Nothing is sent to a model; its tokens
    /// are counted where Bedrock counts for it.
    pub async fn explain(&self, call: ChatCall, reader: ExplainReader) -> Result<Bytes, Refusal> {
        let record = std::sync::Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut draft = self.draft(call, &name).await?;
        let target = draft.target.model.as_str().into();
        let _permit = self.admit(&draft.caller, &target, &record).await?;
        self.fetch_for_admitted(&mut draft).await?;
        let json = match draft.route()? {
            ChatRoute::Converse(obstacle) => {
                let length = draft.source_length();
                let translate = || draft.translate(&self.memory);
                let mut translated = self.workers.on_body(length, translate).await?;
                note_request(&record, translated.plan.stream, &translated.adjustments);
                // Counted with the guardrail as it is: only what is shown of it changes.
                let tokens = Sent::Converse(&translated, obstacle);
                let count = self
                    .tokens_sent(&draft.target.known, tokens, &record)
                    .await?;
                if reader == ExplainReader::Caller && draft.options.guardrail.is_some() {
                    hide_guardrail(&mut translated.converse);
                }
                let sent = Sent::Converse(&translated, obstacle);
                self.explanation(&name, &draft.target, sent, count, reader)?
            }
            ChatRoute::OpenAi(surface) => {
                let length = draft.source_length();
                let native = self.workers.on_body(length, || draft.pass_on()).await?;
                note_request(&record, native.plan.stream, &native.adjustments);
                let sent = Sent::OpenAi(&native, surface);
                let count = self.tokens_sent(&draft.target.known, sent, &record).await?;
                self.explanation(&name, &draft.target, sent, count, reader)?
            }
        };
        Ok(json)
    }

    fn explanation(
        &self,
        name: &str,
        target: &ModelTarget,
        sent: Sent<'_>,
        count: Count,
        reader: ExplainReader,
    ) -> Result<Bytes, ApiError> {
        let known = &target.known;
        let input_tokens = InputTokenEstimate {
            count: count.tokens,
            source: count.source.as_str(),
        };
        let tokens = Tokens {
            input: input_tokens.count,
            ..Tokens::default()
        };
        let price = known.price.as_ref();
        let explanation = Explanation {
            object: "outcrop.explanation",
            model: name,
            target: TargetObject {
                model_id: shown_model(name, target, reader),
                operation: sent.operation(),
                surface: sent.surface().as_str(),
                rerouted_for: sent.rerouted_for(),
                region: self.bedrock.region(),
                family: &known.facts.family,
                context_window: known.context_window,
                max_output_tokens: known.output_limit,
                end_of_life: known.end_of_life.as_deref(),
                legacy: known.legacy,
            },
            answers: sent.answers(),
            adjustments: sent
                .adjustments()
                .iter()
                .map(|note| AdjustmentObject {
                    field: &note.field,
                    action: &note.action,
                })
                .collect(),
            cache_points: sent.cache_points(),
            input_tokens,
            price: InputPriceObject {
                input_usd: usd(price.and_then(|price| price.cost(&tokens, Tier::Default))),
            },
            converse: sent.converse(),
            chat_completion: sent.chat_completion(),
        };
        let json = serde_json::to_vec(&explanation).map_err(|_| ApiError::internal())?;
        Ok(json.into())
    }

    /// The tokens of the request, counted where Bedrock counts for the model.
    async fn tokens_sent(
        &self,
        known: &ModelInfo,
        sent: Sent<'_>,
        record: &Record,
    ) -> Result<Count, ApiError> {
        match sent {
            Sent::Converse(translated, _) => {
                let uncounted = Uncounted::of(known, &translated.converse)?;
                self.count(known, uncounted, record).await
            }
            // Nobody counts what does not go to Converse.
            Sent::OpenAi(native, _) => {
                let body = serde_json::to_vec(&native.body).map_err(|_| ApiError::internal())?;
                Ok(Count {
                    tokens: estimated_tokens_of_json(body.len()),
                    source: CountSource::Estimate,
                })
            }
        }
    }
}

/// The model's id; of a name of the operator's for an ARN, the model that this is based on.
fn shown_model<'a>(name: &str, target: &'a ModelTarget, reader: ExplainReader) -> &'a str {
    let (model, base) = (&target.model, &target.known.known_as);
    let is_hidden =
        reader == ExplainReader::Caller && model.account().is_some() && model.as_str() != name;
    match is_hidden {
        false => model.as_str(),
        true if base.account().is_none() => base.as_str(),
        true => OPERATORS_OWN,
    }
}

fn hide_guardrail(converse: &mut ConverseRequest) {
    if let Some(guardrail) = &mut converse.guardrail_config {
        OPERATORS_OWN.clone_into(&mut guardrail.guardrail_identifier);
    }
}

impl<'a> Sent<'a> {
    fn operation(self) -> &'static str {
        match self {
            Self::Converse(translated, _) if translated.plan.whole => "Converse",
            Self::Converse(..) => "ConverseStream",
            Self::OpenAi(..) => "ChatCompletions",
        }
    }

    fn surface(self) -> ChatUpstream {
        match self {
            Self::Converse(..) => ChatUpstream::Converse,
            Self::OpenAi(_, surface) => ChatUpstream::OpenAi(surface),
        }
    }

    fn rerouted_for(self) -> Option<&'static str> {
        match self {
            Self::Converse(_, obstacle) => obstacle.map(|obstacle| obstacle.field),
            Self::OpenAi(..) => None,
        }
    }

    fn answers(self) -> u32 {
        match self {
            Self::Converse(translated, _) => translated.plan.answers,
            Self::OpenAi(..) => 1,
        }
    }

    fn adjustments(self) -> &'a Adjustments {
        match self {
            Self::Converse(translated, _) => &translated.adjustments,
            Self::OpenAi(native, _) => &native.adjustments,
        }
    }

    fn converse(self) -> Option<&'a ConverseRequest> {
        match self {
            Self::Converse(translated, _) => Some(&translated.converse),
            Self::OpenAi(..) => None,
        }
    }

    fn chat_completion(self) -> Option<&'a Fields> {
        match self {
            Self::Converse(..) => None,
            Self::OpenAi(native, _) => Some(&native.body),
        }
    }

    fn cache_points(self) -> Vec<CachePointObject> {
        let points = self
            .converse()
            .into_iter()
            .flat_map(|converse| converse.cache_points());
        points
            .map(|(path, point)| CachePointObject {
                path,
                ttl: match point.ttl {
                    Some(ttl) => ttl.as_str(),
                    None => "5m",
                },
            })
            .collect()
    }
}
