//! How many tokens a request has: counted by Bedrock where it counts for the model, else estimated,
//! and called an estimate.

use std::sync::Arc;

use bytes::Bytes;

use super::known::Known;
use super::{Answer, Asked, ChatCall, HeaderOptions, Pipeline, model_name, note_request};
use crate::adjustments::Adjustments;
use crate::bedrock::Call;
use crate::converse::estimate::estimated_tokens;
use crate::converse::request::ConverseRequest;
use crate::fault::Fault;
use crate::limits::{RateState, Refused};
use crate::openai::responses::{AsChat, InputTokens, ResponsesRequest, as_chat};
use crate::record::Record;

/// What the header says of a count that nobody made.
const ESTIMATED: &str = "estimated; Bedrock did not count them";

/// The tokens of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) tokens: u64,
    pub(super) source: CountSource,
}

/// Who has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountSource {
    /// Bedrock.
    CountTokens,
    /// Nobody.
    Estimate,
}

impl CountSource {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::CountTokens => "CountTokens",
            Self::Estimate => "estimate",
        }
    }
}

/// A count with what the head of its answer says.
struct Counted {
    count: Count,
    adjustments: Adjustments,
    rate: Option<RateState>,
}

impl Pipeline {
    /// How many tokens a chat request has.
    pub async fn chat_input_tokens(&self, call: ChatCall) -> Result<Answer, Refused> {
        let record = Arc::clone(&call.record);
        let counted = self.counted(call).await?;
        answer(counted, &record)
    }

    /// How many tokens a request to the Responses API has.
    pub async fn response_input_tokens(
        &self,
        asked: Asked<ResponsesRequest>,
        headers: HeaderOptions,
    ) -> Result<Answer, Refused> {
        let Asked {
            caller,
            request,
            record,
        } = asked;
        let AsChat {
            request,
            places,
            adjustments,
        } = as_chat(request)?;
        let call = ChatCall {
            caller,
            request: Box::new(request),
            // For requests that are written again, which one that is not sent never is.
            body: Bytes::new(),
            permit: None,
            headers,
            record: Arc::clone(&record),
        };
        let counted = self.counted(call).await.map_err(|refused| Refused {
            fault: places.fault(refused.fault),
            ..refused
        })?;
        let counted = Counted {
            adjustments: places.adjustments(adjustments, &counted.adjustments),
            ..counted
        };
        answer(counted, &record)
    }

    /// The tokens of a Converse request: a count of Bedrock's where there is one to be had.
    ///
    /// Counting has quotas of its own, and not every model that the table has is counted for
    /// everywhere; whatever stands against it, there is an estimate.
    pub(super) async fn count(
        &self,
        known: &Known,
        converse: &ConverseRequest,
        record: &Record,
    ) -> Result<Count, Fault> {
        let estimate = Count {
            tokens: estimated_tokens(converse),
            source: CountSource::Estimate,
        };
        if !known.facts.count_tokens {
            return Ok(estimate);
        }
        let body = serde_json::to_vec(converse).map_err(|_| Fault::internal())?;
        let call = Call::new(known.known_as.clone(), body.into());
        Ok(match self.bedrock_for(record).count_tokens(call).await {
            Ok(tokens) => Count {
                tokens,
                source: CountSource::CountTokens,
            },
            Err(failure) => {
                let detail = failure.log_detail();
                record.entries().failure = Some((failure.code, detail));
                estimate
            }
        })
    }

    async fn counted(&self, call: ChatCall) -> Result<Counted, Refused> {
        let record = Arc::clone(&call.record);
        let name = model_name(&call.request)?;
        let mut draft = self.draft(call, &name).await?;
        let target = draft.target.model.as_str().into();
        let permit = self.admit(&draft.caller, &target, &record).await?;
        self.fetch_for_admitted(&mut draft).await?;
        let length = draft.length();
        let translate = || draft.translate(&self.memory);
        let mut translated = self.workers.on_body(length, translate).await?;
        note_request(&record, translated.plan.stream, &translated.adjustments);
        let known = &draft.target.known;
        let count = self.count(known, &translated.converse, &record).await?;
        if count.source == CountSource::Estimate {
            if draft.strict {
                return Err(no_count().into());
            }
            translated.adjustments.note("input_tokens", ESTIMATED);
        }
        Ok(Counted {
            count,
            adjustments: translated.adjustments,
            rate: permit.rate(),
        })
    }
}

fn answer(counted: Counted, record: &Record) -> Result<Answer, Refused> {
    let Counted {
        count,
        adjustments,
        rate,
    } = counted;
    let mut entries = record.entries();
    entries.stream = false;
    entries.adjustments = adjustments.log_value();
    let object = InputTokens::new(count.tokens, count.source.as_str());
    let body = serde_json::to_vec(&object).map_err(|_| Fault::internal())?;
    Ok(Answer {
        body: body.into(),
        adjustments,
        rate,
        cost: None,
    })
}

fn no_count() -> Fault {
    Fault::unsupported_value(
        "model",
        "Bedrock does not count the tokens of this request, and `x-outcrop-strict` takes no \
         estimate; leave the header out, or ask for a model that Bedrock counts for",
    )
}
