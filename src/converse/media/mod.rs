//! Images, documents, videos and audio in messages: their blocks, and how the bytes or the address
//! of a file become one. The bytes determine the format of a file; the client's declaration counts
//! only if they cannot.
//!
//! Nothing here fetches URLs: the gateway does, and passes what it fetched as [`RemoteFiles`].

mod block;
mod data_url;
mod declared;
mod formats;
mod image;
mod limits;
mod names;
mod remote;
mod s3;
#[cfg(test)]
pub(crate) mod samples;
mod source;

pub use formats::dimensions::{Dimensions, dimensions};
pub use remote::{RemoteAddress, RemoteFiles, RemoteMedia};

pub(crate) use block::{Media, MediaBlock, MediaPart};
pub(crate) use data_url::is_data_url;
pub(crate) use formats::PartKind;
pub(crate) use image::{image_header, open_image, open_image_bytes};
pub(crate) use remote::{fetched_length, is_web_address};
pub(crate) use source::is_address;

use serde::Serialize;

use crate::converse::content::CitationsConfig;

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageBlock {
    /// The format detected from the bytes.
    pub format: ImageFormat,
    /// The source of the bytes.
    pub source: MediaSource,
    /// The resolution in which the model reads it; Converse has no field for it.
    #[serde(skip)]
    pub detail: Option<String>,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentBlock {
    /// The format detected from the bytes.
    pub format: DocumentFormat,
    /// 1 to 200 letters, digits, single spaces, hyphens, parentheses and brackets; unique in the
    /// request.
    pub name: String,
    /// The source of the bytes.
    pub source: MediaSource,
    /// Context about the document for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the response cites it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<CitationsConfig>,
}

/// A video.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoBlock {
    /// The format.
    pub format: VideoFormat,
    /// The source of the bytes.
    pub source: MediaSource,
}

/// Audio.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioBlock {
    /// The format.
    pub format: AudioFormat,
    /// The source of the bytes.
    pub source: MediaSource,
}

/// The source of the bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaSource {
    /// Standard base64 with padding.
    Bytes(String),
    /// An object in S3, which Bedrock reads with the gateway's permissions.
    S3Location(S3Location),
    /// Plain text, for documents only.
    Text(String),
}

/// An object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Location {
    /// `s3://bucket/key`
    pub uri: String,
    /// The account that owns the bucket, 12 digits; `None` if it is the gateway's account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
}

/// Declares the formats of a media type with Bedrock's names.
macro_rules! formats {
    ($(#[$attribute:meta])* $name:ident { $( $variant:ident = $word:literal ),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum $name {
            $( #[doc = concat!("`", $word, "`")] #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// Parses Bedrock's name.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )+
                    _ => None,
                }
            }

            /// Bedrock's name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }

            /// The names of all formats.
            pub const WORDS: &[&str] = &[$( $word ),+];
        }
    };
}

formats! {
    /// Image formats (botocore, bedrock-runtime: `ImageFormat`).
    ImageFormat { Png = "png", Jpeg = "jpeg", Gif = "gif", Webp = "webp" }
}

formats! {
    /// Document formats (botocore, bedrock-runtime: `DocumentFormat`).
    DocumentFormat {
        Pdf = "pdf",
        Csv = "csv",
        Doc = "doc",
        Docx = "docx",
        Xls = "xls",
        Xlsx = "xlsx",
        Html = "html",
        Txt = "txt",
        Md = "md",
    }
}

formats! {
    /// Video formats (botocore, bedrock-runtime: `VideoFormat`).
    VideoFormat {
        Mkv = "mkv",
        Mov = "mov",
        Mp4 = "mp4",
        Webm = "webm",
        Flv = "flv",
        Mpeg = "mpeg",
        Mpg = "mpg",
        Wmv = "wmv",
        ThreeGp = "three_gp",
    }
}

formats! {
    /// Audio formats (botocore, bedrock-runtime: `AudioFormat`).
    AudioFormat {
        Mp3 = "mp3",
        Opus = "opus",
        Wav = "wav",
        Aac = "aac",
        Flac = "flac",
        Mp4 = "mp4",
        Ogg = "ogg",
        Mkv = "mkv",
        Mka = "mka",
        XAac = "x-aac",
        M4a = "m4a",
        Mpeg = "mpeg",
        Mpga = "mpga",
        Pcm = "pcm",
        Webm = "webm",
    }
}
