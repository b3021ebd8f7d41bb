//! `input` as what is embedded, one vector each.

use super::images::{ImageFields, image, path};
use super::request::EmbeddingContext;
use super::tokens::Tokenizer;
use super::types::{EmbeddingsInput, EmbeddingsRequest, InputObject, InputPart};
use crate::adjustments::Adjustments;
use crate::error::ApiError;
use crate::models::{EmbeddingInput, Truncation};
use crate::openai::chat::{is_data_url, note_unknown};
use crate::providers::embeddings::EmbeddingItem;

/// The most entries of `input` (OpenAI's API reference).
const MAX_INPUTS: usize = 2048;

/// Whether `input` has tokens in place of text.
pub fn has_tokens(request: &EmbeddingsRequest) -> bool {
    match &request.input {
        None | Some(EmbeddingsInput::One(_)) => false,
        Some(EmbeddingsInput::Tokens(_)) => true,
        Some(EmbeddingsInput::Several(parts)) => parts
            .iter()
            .any(|part| matches!(part, InputPart::Token(_) | InputPart::Tokens(_))),
    }
}

/// What is needed to read `input`.
pub(super) struct EmbeddingInputReader<'a> {
    pub(super) context: &'a EmbeddingContext<'a>,
    pub(super) tokenizer: Tokenizer,
    pub(super) truncation: Truncation,
}

impl EmbeddingInputReader<'_> {
    /// The things that `input` has.
    pub(super) fn items(
        &self,
        input: EmbeddingsInput,
        adjustments: &mut Adjustments,
    ) -> Result<Vec<EmbeddingItem>, ApiError> {
        let parts = match input {
            EmbeddingsInput::One(part) => {
                return Ok(vec![self.item(part, &path(None), adjustments)?]);
            }
            EmbeddingsInput::Tokens(tokens) => {
                let text = self.decode(&tokens, &path(None))?;
                return Ok(vec![self.text(text, &path(None))?]);
            }
            EmbeddingsInput::Several(parts) => parts,
        };
        check_alike(&parts)?;
        if parts.is_empty() {
            let message = "`input` is an empty array; send at least one text";
            return Err(ApiError::invalid("input", message));
        }
        if parts.len() > MAX_INPUTS {
            let count = parts.len();
            let message =
                format!("`input` has {count} entries, and a request has {MAX_INPUTS} at the most");
            return Err(ApiError::invalid("input", message));
        }
        let parts = parts.into_iter().enumerate();
        let items = parts.map(|(index, part)| self.item(part, &path(Some(index)), adjustments));
        items.collect()
    }

    fn item(
        &self,
        part: InputPart,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<EmbeddingItem, ApiError> {
        match part {
            InputPart::Text(text) if is_image(&text) => self.image_item(None, text, path, path),
            InputPart::Text(text) => self.text(text, path),
            InputPart::Token(token) => self.text(self.decode(&[token], path)?, path),
            InputPart::Tokens(tokens) => {
                if tokens.is_empty() {
                    return Err(empty(path));
                }
                self.text(self.decode(&tokens, path)?, path)
            }
            InputPart::Object(object) => self.object(*object, path, adjustments),
        }
    }

    fn object(
        &self,
        object: InputObject,
        path: &str,
        adjustments: &mut Adjustments,
    ) -> Result<EmbeddingItem, ApiError> {
        let InputObject {
            // The other fields tell.
            r#type: _,
            text,
            image,
            image_url,
            unknown,
        } = object;
        note_unknown(adjustments, &unknown, "input[].");
        let named = ImageFields { image, image_url };
        match (text, named.address(path, adjustments)?) {
            (None, None) => Err(ApiError::invalid(
                path,
                format!("`{path}` has none of `text`, `image` and `image_url`"),
            )),
            (Some(text), None) => self.text(text, &format!("{path}.text")),
            (text, Some((address, at))) => self.image_item(text, address, &at, path),
        }
    }

    /// A picture, with its text where there is one; the address stands at `at`, all of it at
    /// `path`.
    fn image_item(
        &self,
        text: Option<String>,
        address: String,
        at: &str,
        path: &str,
    ) -> Result<EmbeddingItem, ApiError> {
        let capabilities = self.context.capabilities;
        let kind = match text {
            Some(_) => EmbeddingInput::TextAndImage,
            None => EmbeddingInput::Image,
        };
        if !capabilities.takes(kind) {
            let why = match capabilities.takes(EmbeddingInput::Image) {
                true => "a text or a picture, and not both in one; send them apart",
                false => "texts alone; ask a model that embeds pictures as well",
            };
            let message = format!("this model embeds {why}");
            return Err(ApiError::unsupported_value(path, message));
        }
        let image = image(address, at, capabilities, self.context.fetched)?;
        Ok(match text {
            Some(text) => match self.text(text, &format!("{path}.text"))? {
                EmbeddingItem::Text(text) => EmbeddingItem::TextAndImage(text, image),
                other => other,
            },
            None => EmbeddingItem::Image(image),
        })
    }

    /// A text that fits, or was cut to fit where that was asked for.
    fn text(&self, text: String, path: &str) -> Result<EmbeddingItem, ApiError> {
        if text.is_empty() {
            return Err(empty(path));
        }
        let Some(max_chars) = self.context.capabilities.max_text_chars else {
            return Ok(EmbeddingItem::Text(text));
        };
        // No text has more characters than bytes.
        let length = match text.len() {
            bytes if bytes <= max_chars => return Ok(EmbeddingItem::Text(text)),
            _ => text.chars().count(),
        };
        let surplus = length.saturating_sub(max_chars);
        match self.truncation {
            _ if surplus == 0 => Ok(EmbeddingItem::Text(text)),
            Truncation::Start => Ok(EmbeddingItem::Text(text.chars().skip(surplus).collect())),
            Truncation::End => Ok(EmbeddingItem::Text(text.chars().take(max_chars).collect())),
            Truncation::None => Err(ApiError::invalid(
                path,
                format!(
                    "This model's maximum context length is {max_chars} characters. However, the \
                     text at `{path}` has {length}: the prompt is too long. Please send it in \
                     parts{}.",
                    self.or_cut()
                ),
            )
            .code("context_length_exceeded")),
        }
    }

    fn or_cut(&self) -> &'static str {
        match self
            .context
            .capabilities
            .truncations
            .contains(&Truncation::End)
        {
            true => ", or with `\"truncate\": \"END\"`",
            false => "",
        }
    }

    fn decode(&self, tokens: &[i64], path: &str) -> Result<String, ApiError> {
        self.tokenizer.text(tokens, path)
    }
}

fn empty(path: &str) -> ApiError {
    ApiError::invalid(
        path,
        format!("`{path}` is empty, and there is nothing to embed; leave it out"),
    )
}

/// Tokens stand among tokens.
fn check_alike(parts: &[InputPart]) -> Result<(), ApiError> {
    let kind = |part: &InputPart| match part {
        InputPart::Text(_) | InputPart::Object(_) => "texts",
        InputPart::Token(_) => "tokens",
        InputPart::Tokens(_) => "arrays of tokens",
    };
    let Some(first) = parts.first().map(kind) else {
        return Ok(());
    };
    match parts.iter().position(|part| kind(part) != first) {
        None => Ok(()),
        Some(index) => Err(ApiError::invalid(
            path(Some(index)),
            format!(
                "`input` begins with {first}, and `input[{index}]` is something else; send texts \
                 alone, tokens alone, or arrays of tokens alone"
            ),
        )),
    }
}

/// Whether a text is the data URL of a picture.
fn is_image(text: &str) -> bool {
    let head = text.get(..11).unwrap_or_default();
    is_data_url(text) && head.eq_ignore_ascii_case("data:image/")
}
