//! Calls to models that answer conversations. Converse and AWS's chat completions are sources of the
//! same events.

use http::Method;

use crate::bedrock::client::{Bedrock, ModelCall};
use crate::bedrock::destination::models::ModelOperation;
use crate::bedrock::errors::UpstreamError;
use crate::bedrock::transport::Outgoing;
use crate::bedrock::transport::decoder::{EventDecoder, ModelDecoder};
use crate::bedrock::transport::stream::EventStream;
use crate::converse::event::Event;
use crate::converse::response::ConverseResponse;
use crate::converse::upstream::chat_completions::ChatCompletionEvents;
use crate::models::ChatUpstream;

/// The events of a model's response.
#[derive(Debug)]
pub enum EventSource {
    /// A stream whose first event has arrived.
    Live(Box<EventStream>),
    /// The events of a non-streaming response. A stream has them, too, if the model does not support
    /// tools in streams.
    Complete(Vec<Event>),
}

impl Bedrock {
    /// Calls a model with a request in the format of `upstream`. Returns once it has responded, or
    /// once its first event has arrived, with retries until then.
    pub async fn chat(
        &self,
        upstream: ChatUpstream,
        call: &ModelCall,
        non_streaming: bool,
    ) -> Result<EventSource, UpstreamError> {
        let operation = operation(upstream, non_streaming);
        let destination = self.model_destination(&call.model, operation)?;
        let (media_type, decoder) = stream_format(upstream);
        let json = Outgoing {
            headers: Some(&call.headers),
            ..Outgoing::json(&Method::POST, &destination, &call.body)
        };
        let outgoing = match non_streaming {
            true => json,
            false => Outgoing {
                accept: media_type,
                ..json
            },
        };
        let send = || async {
            if non_streaming {
                let response = self.fetch(&outgoing, self.response_timeout()).await?;
                return events_of(upstream, response.body()).map(EventSource::Complete);
            }
            let response = self.open(&outgoing, decoder).await?;
            Ok(EventSource::Live(response.into_body()))
        };
        self.with_backoff(Some(call.model.as_str()), send).await
    }
}

fn operation(upstream: ChatUpstream, non_streaming: bool) -> ModelOperation {
    match upstream {
        ChatUpstream::Converse if non_streaming => ModelOperation::Converse,
        ChatUpstream::Converse => ModelOperation::ConverseStream,
        ChatUpstream::OpenAi(endpoint) => ModelOperation::ChatCompletions(endpoint),
    }
}

/// The media type of a stream, and the decoder of its events.
fn stream_format(upstream: ChatUpstream) -> (&'static str, fn() -> ModelDecoder) {
    match upstream {
        ChatUpstream::Converse => ("application/vnd.amazon.eventstream", || {
            ModelDecoder::Converse(EventDecoder::new())
        }),
        ChatUpstream::OpenAi(_) => ("text/event-stream", || {
            ModelDecoder::ChatCompletions(Box::default())
        }),
    }
}

/// The events of a complete response.
fn events_of(upstream: ChatUpstream, body: &[u8]) -> Result<Vec<Event>, UpstreamError> {
    match upstream {
        ChatUpstream::Converse => {
            let response = serde_json::from_slice::<ConverseResponse>(body);
            let response = response.map_err(|error| match error.is_eof() {
                true => UpstreamError::cut_off("the response JSON was cut off"),
                false => UpstreamError::unreadable(error.to_string()),
            });
            Ok(response?.into_events())
        }
        ChatUpstream::OpenAi(_) => {
            if let Some(error) = UpstreamError::from_chunk(body) {
                return Err(error);
            }
            ChatCompletionEvents::of_response(body)
                .map_err(|error| UpstreamError::unreadable(error.to_string()))
        }
    }
}
