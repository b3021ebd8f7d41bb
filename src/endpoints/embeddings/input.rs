//! Translates `input` to the items to embed.

use super::images::{ImageFields, image, path};
use super::request::EmbeddingContext;
use super::types::{EmbeddingsInput, EmbeddingsRequest, InputObject, InputPart};
use crate::converse::media::is_data_url;
use crate::endpoints::embeddings::bodies::EmbeddingItem;
use crate::error::{ApiError, ErrorCode};
use crate::models::{EmbeddingInput, Tokenizer, Truncation};
use crate::reply::Adjustments;
use crate::wire::note_unknown;

/// The maximum number of entries in `input` (OpenAI's API reference).
const MAX_INPUTS: usize = 2048;

/// Whether `input` contains tokens instead of text.
pub fn has_tokens(request: &EmbeddingsRequest) -> bool {
    match &request.input {
        None | Some(EmbeddingsInput::One(_)) => false,
        Some(EmbeddingsInput::Tokens(_)) => true,
        Some(EmbeddingsInput::Several(parts)) => parts
            .iter()
            .any(|part| matches!(part, InputPart::Token(_) | InputPart::Tokens(_))),
    }
}

/// The context for reading `input`.
pub(super) struct EmbeddingInputReader<'a> {
    pub(super) context: &'a EmbeddingContext<'a>,
    pub(super) tokenizer: Tokenizer,
    pub(super) truncation: Truncation,
}

impl EmbeddingInputReader<'_> {
    /// The items to embed.
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
        check_same_kind(&parts)?;
        if parts.is_empty() {
            let message = "`input` is an empty array; send at least one text";
            return Err(ApiError::invalid("input", message));
        }
        if parts.len() > MAX_INPUTS {
            let count = parts.len();
            let message =
                format!("`input` has {count} entries; a request may have at most {MAX_INPUTS}");
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
            // The type follows from the other fields.
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
                format!("`{path}` needs `text`, `image` or `image_url`"),
            )),
            (Some(text), None) => self.text(text, &format!("{path}.text")),
            (text, Some((address, at))) => self.image_item(text, address, &at, path),
        }
    }

    /// An image, with its text if there is one. `at` is the path of the image, `path` that of the
    /// entry.
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
                true => "a text or an image, not both together; send them separately",
                false => "only text; use a model that also embeds images",
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

    /// A text within the model's limit, truncated if requested.
    fn text(&self, text: String, path: &str) -> Result<EmbeddingItem, ApiError> {
        if text.is_empty() {
            return Err(empty(path));
        }
        let Some(max_chars) = self.context.capabilities.max_text_chars else {
            return Ok(EmbeddingItem::Text(text));
        };
        // A text has at most as many characters as bytes.
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
            .code(ErrorCode::ContextLengthExceeded)),
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
    ApiError::invalid(path, format!("`{path}` is empty; omit it"))
}

/// Tokens and texts must not be mixed.
fn check_same_kind(parts: &[InputPart]) -> Result<(), ApiError> {
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
                "`input` starts with {first}, but `input[{index}]` is something else; send only \
                 texts, only tokens, or only arrays of tokens"
            ),
        )),
    }
}

/// Whether a text is the data URL of an image.
fn is_image(text: &str) -> bool {
    let head = text.get(..11).unwrap_or_default();
    is_data_url(text) && head.eq_ignore_ascii_case("data:image/")
}
