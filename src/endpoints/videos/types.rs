//! The request as sent by clients (OpenAI's SDK for Python 3.5.0, `VideoCreateParams`, with
//! extensions for Bedrock's models).

use crate::converse::JsonText;
use crate::wire::StringOrObject;
use crate::wire::client_object;

client_object! {
    /// The body of a video request, or the text fields of a form.
    pub struct VideoRequest {
        /// The name of a model.
        model: String,
        /// The prompt.
        prompt: String,
        /// The duration: a number, which OpenAI writes as a string.
        seconds: JsonText,
        /// `1280x720`
        size: String,
        /// The first frame.
        input_reference: StringOrObject<VideoImageReference>,
        /// The first frame, in forms.
        input_reference_url => "input_reference[image_url]": String,
        /// The first frame, in forms.
        input_reference_file => "input_reference[file_id]": String,
        /// The last frame, as an extension.
        last_frame: StringOrObject<VideoImageReference>,
        /// The prompts of the shots, as an extension.
        shots: Vec<ShotRequest>,
        /// The aspect ratio, as an extension.
        aspect_ratio: String,
        /// Whether the video loops, as an extension.
        looped => "loop": bool,
        /// The seed, as an extension.
        seed: i64,
    }
}

client_object! {
    /// A shot.
    pub struct ShotRequest {
        /// The prompt.
        prompt: String,
        /// The first frame.
        input_reference: StringOrObject<VideoImageReference>,
    }
}

client_object! {
    /// An image in a JSON request.
    pub struct VideoImageReference {
        /// A data URL, or an https URL.
        image_url: String,
        /// The id of a file uploaded to OpenAI.
        file_id: String,
    }
}
