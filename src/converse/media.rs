//! Pictures, documents, films and sound within a turn.

use serde::Serialize;

use super::content::CitationsConfig;

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageBlock {
    /// The format, as the bytes have it.
    pub format: ImageFormat,
    /// Where the bytes are.
    pub source: MediaSource,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentBlock {
    /// The format, as the bytes have it.
    pub format: DocumentFormat,
    /// 1 to 200 letters, digits, single spaces, hyphens, parentheses and brackets; no other
    /// document of the request has the same.
    pub name: String,
    /// Where the bytes are.
    pub source: MediaSource,
    /// What the model is told of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whether the answer cites it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<CitationsConfig>,
}

/// A film.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoBlock {
    /// The format.
    pub format: VideoFormat,
    /// Where the bytes are.
    pub source: MediaSource,
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioBlock {
    /// The format.
    pub format: AudioFormat,
    /// Where the bytes are.
    pub source: MediaSource,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaSource {
    /// Standard base64 with padding.
    Bytes(String),
    /// An object in S3, which Bedrock reads with the gateway's permissions.
    S3Location(S3Location),
    /// Text as it is, of documents only.
    Text(String),
}

/// An object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Location {
    /// `s3://bucket/key`
    pub uri: String,
    /// The account of the bucket, 12 digits, where it is not the gateway's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
}

/// Declares the formats of a medium with the word that Bedrock has for each.
macro_rules! formats {
    ($(#[$attribute:meta])* $name:ident { $( $variant:ident = $word:literal ),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum $name {
            $( #[doc = concat!("`", $word, "`")] #[serde(rename = $word)] $variant, )+
        }

        impl $name {
            /// The format that Bedrock calls `word`.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $( $word => Some(Self::$variant), )+
                    _ => None,
                }
            }

            /// Bedrock's word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )+
                }
            }

            /// The words for all formats.
            pub const WORDS: &[&str] = &[$( $word ),+];
        }
    };
}

formats! {
    /// The formats of pictures (botocore, bedrock-runtime: `ImageFormat`).
    ImageFormat { Png = "png", Jpeg = "jpeg", Gif = "gif", Webp = "webp" }
}

formats! {
    /// The formats of documents (botocore, bedrock-runtime: `DocumentFormat`).
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
    /// The formats of films (botocore, bedrock-runtime: `VideoFormat`).
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
    /// The formats of sound (botocore, bedrock-runtime: `AudioFormat`).
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
