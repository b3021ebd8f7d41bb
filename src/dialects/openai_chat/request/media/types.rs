//! The media parts of a request (OpenAI's openapi.yaml 2.3.0; `format`, `bucket_owner`, `file_url`,
//! videos and search results are extensions).

use crate::wire::{client_object, written_client_object};

client_object! {
    /// A file: its bytes or its URL.
    pub struct FilePart {
        /// A data URL or base64.
        file_data: String,
        /// The name with its extension.
        filename: String,
        /// `s3://bucket/key` or an https URL.
        file_id: String,
        /// An https URL.
        file_url: String,
        /// The format of a file in S3, if its key has no extension.
        format: String,
        /// The AWS account that owns the bucket.
        bucket_owner: String,
    }
}

written_client_object! {
    /// Audio input.
    pub struct InputAudio {
        /// Base64, a data URL, an https URL, or `s3://bucket/key`.
        data: String,
        /// `wav` or `mp3`; the format of the bytes takes precedence.
        format: String,
        /// The AWS account that owns the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// A video.
    pub struct VideoUrl {
        /// A data URL, an https URL, or `s3://bucket/key`.
        url: String,
        /// The format of a file in S3, if its key has no extension.
        format: String,
        /// The AWS account that owns the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// Whether the response cites a source.
    pub struct Citations {
        /// `true` to enable citations of this source.
        enabled: bool,
    }
}

client_object! {
    /// A text part of a search result.
    pub struct SearchResultText {
        /// `text`
        kind => "type": String,
        /// The text of the part.
        text: String,
    }
}
