//! The request as clients write it (OpenAI's SDK for Python 3.5.0, `VideoCreateParams`, and the
//! extensions for what Bedrock's models take beside it).

use crate::converse::JsonText;
use crate::openai::chat::StringOrObject;
use crate::openai::object::client_object;

client_object! {
    /// The body of a request for a video; of a form, its texts.
    pub struct VideoRequest {
        /// The name of a model.
        model: String,
        /// What is to be seen.
        prompt: String,
        /// The length: a number, which OpenAI writes as a string.
        seconds: JsonText,
        /// `1280x720`
        size: String,
        /// The picture to begin with.
        input_reference: StringOrObject<VideoImageReference>,
        /// The same as forms write it.
        input_reference_url => "input_reference[image_url]": String,
        /// The same.
        input_reference_file => "input_reference[file_id]": String,
        /// The picture to end with, as an extension.
        last_frame: StringOrObject<VideoImageReference>,
        /// What is to be seen shot by shot, as an extension.
        shots: Vec<ShotRequest>,
        /// The ratio of width and height, as an extension.
        aspect_ratio: String,
        /// Whether the end leads back to the beginning, as an extension.
        looped => "loop": bool,
        /// Where chance begins, as an extension.
        seed: i64,
    }
}

client_object! {
    /// A shot.
    pub struct ShotRequest {
        /// What is to be seen.
        prompt: String,
        /// The picture to begin with.
        input_reference: StringOrObject<VideoImageReference>,
    }
}

client_object! {
    /// A picture that a request of JSON has or points to.
    pub struct VideoImageReference {
        /// A data URL, or an address on the web.
        image_url: String,
        /// A file that was uploaded to OpenAI.
        file_id: String,
    }
}
