//! The request as clients write it (OpenAI's openapi.yaml 2.3.0, and the extensions for what
//! Bedrock's models take beside it). All three endpoints have one form: what does not belong to an
//! endpoint is refused there by name.

use serde_json::Number;

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::openai::object::client_object;

client_object! {
    /// The body of a request for pictures; of a form, its texts.
    pub struct ImageRequest {
        /// The name of a model.
        model: String,
        /// What is wanted.
        prompt: String,
        /// How many pictures.
        n: i64,
        /// `1024x1024`, or `auto`.
        size: String,
        /// `auto`, `low`, `medium`, `high`; `standard`, `hd`.
        quality: String,
        /// `b64_json` or `url`.
        response_format: String,
        /// `png`, `jpeg` or `webp`.
        output_format: String,
        /// How much a JPEG or WebP is compressed.
        output_compression: JsonText,
        /// `auto`, `opaque` or `transparent`.
        background: String,
        /// How strictly OpenAI filters.
        moderation: JsonText,
        /// `vivid` or `natural`; with Nova Canvas, one of its styles.
        style: String,
        /// Whether to stream.
        stream: bool,
        /// How many unfinished pictures a stream has.
        partial_images: JsonText,
        /// Who it is for.
        user: JsonText,
        /// How closely faces are kept.
        input_fidelity: JsonText,
        /// The pictures to edit, in JSON.
        images: Vec<ImageReference>,
        /// Which part is edited, in JSON.
        mask: ImageReference,
        /// What is not wanted, as an extension.
        negative_prompt: String,
        /// Where chance begins, as an extension.
        seed: i64,
        /// How closely the prompt is followed, as an extension.
        cfg_scale: Number,
        /// How much of the given picture changes or stays, as an extension.
        strength: Number,
        /// Which part is edited, in words, as an extension.
        mask_prompt: String,
        /// The colors of the picture, as an extension.
        colors: Vec<String>,
        /// The shape of the picture, as an extension.
        aspect_ratio: String,
        /// What is done, in the words of Nova Canvas, as an extension.
        task_type: String,
        /// Keys of the provider's own, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
    }
}

client_object! {
    /// A picture in a request of JSON.
    pub struct ImageReference {
        /// A data URL, or an address on the web.
        image_url: String,
        /// A file that was uploaded to OpenAI.
        file_id: String,
    }
}
