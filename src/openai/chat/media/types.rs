//! The media parts as clients write them (OpenAI's openapi.yaml 2.3.0; `format`, `bucket_owner`,
//! `file_url`, films and passages are extensions).

use crate::openai::object::client_object;

client_object! {
    /// A picture.
    pub struct ImageUrl {
        /// A data URL, an https address, or `s3://bucket/key`.
        url: String,
        /// How closely to look.
        detail: String,
        /// The format of what lies in S3, where its key does not tell.
        format: String,
        /// The account of the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// A file: its bytes, or where they are.
    pub struct FilePart {
        /// A data URL, or base64.
        file_data: String,
        /// Its name, extension included.
        filename: String,
        /// `s3://bucket/key`, or an https address.
        file_id: String,
        /// An https address.
        file_url: String,
        /// The format of what lies in S3, where its key does not tell.
        format: String,
        /// The account of the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// Sound.
    pub struct InputAudio {
        /// Base64, a data URL, an https address, or `s3://bucket/key`.
        data: String,
        /// `wav` or `mp3`; the bytes have the last word.
        format: String,
        /// The account of the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// A film.
    pub struct VideoUrl {
        /// A data URL, an https address, or `s3://bucket/key`.
        url: String,
        /// The format of what lies in S3, where its key does not tell.
        format: String,
        /// The account of the bucket.
        bucket_owner: String,
    }
}

client_object! {
    /// Whether the answer cites a source.
    pub struct Citations {
        /// `true` for a source that is cited.
        enabled: bool,
    }
}

client_object! {
    /// One piece of a passage.
    pub struct SearchResultText {
        /// `text`
        kind => "type": String,
        /// The text.
        text: String,
    }
}
