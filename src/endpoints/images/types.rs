//! The request as sent by clients (OpenAI's openapi.yaml 2.3.0, with extensions for Bedrock's
//! models). All three endpoints share this type; fields that an endpoint does not support are
//! rejected by name.

use serde_json::Number;

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::wire::client_object;

client_object! {
    /// The body of an image request, or the text fields of a form.
    pub struct ImageRequest {
        /// The name of a model.
        model: String,
        /// The prompt.
        prompt: String,
        /// The number of images.
        n: i64,
        /// `1024x1024`, or `auto`.
        size: String,
        /// `auto`, `low`, `medium`, `high`; `standard`, `hd`.
        quality: String,
        /// `b64_json` or `url`.
        response_format: String,
        /// `png`, `jpeg` or `webp`.
        output_format: String,
        /// The compression of JPEG or WebP.
        output_compression: JsonText,
        /// `auto`, `opaque` or `transparent`.
        background: String,
        /// How strictly OpenAI filters.
        moderation: JsonText,
        /// `vivid` or `natural`; for Nova Canvas, one of its styles.
        style: String,
        /// Whether to stream.
        stream: bool,
        /// The number of partial images in a stream.
        partial_images: JsonText,
        /// The end user.
        user: JsonText,
        /// How closely faces are preserved.
        input_fidelity: JsonText,
        /// The images to edit, in JSON.
        images: Vec<ImageReference>,
        /// The mask, in JSON.
        mask: ImageReference,
        /// The negative prompt, as an extension.
        negative_prompt: String,
        /// The seed, as an extension.
        seed: i64,
        /// How closely the image follows the prompt, as an extension.
        cfg_scale: Number,
        /// How much of the input image changes or is kept, as an extension.
        strength: Number,
        /// The description of the area to edit, as an extension.
        mask_prompt: String,
        /// The colors of the image, as an extension.
        colors: Vec<String>,
        /// The aspect ratio of the image, as an extension.
        aspect_ratio: String,
        /// The task, as named by Nova Canvas, as an extension.
        task_type: String,
        /// Provider fields, as an extension.
        additional_model_request_fields => "additionalModelRequestFields": Fields,
    }
}

client_object! {
    /// An image in a JSON request.
    pub struct ImageReference {
        /// A data URL, or an https URL.
        image_url: String,
        /// The id of a file uploaded to OpenAI.
        file_id: String,
    }
}
