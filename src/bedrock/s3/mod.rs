//! Objects in S3: outputs of models (videos, batches), and the gateway's files and images. Uses the
//! SDK's client, with its retries and credentials.

pub(super) mod upload;

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, RequestChecksumCalculation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::bedrock::auth::credentials::with_causes;
use crate::bedrock::client::Bedrock;
use crate::bedrock::errors::UpstreamError;
use crate::error::ErrorKind;

/// An S3 client for Bedrock's region, with the same credentials.
#[derive(Debug, Clone)]
pub struct S3 {
    pub(in crate::bedrock) client: Client,
}

/// The location of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLocation {
    /// The name of the bucket.
    pub bucket: String,
    /// The key of an object, or the prefix of several.
    pub key: String,
}

/// An object or a byte range of it, whose content is read in chunks.
#[derive(Debug)]
pub struct S3Object {
    /// The length of the object or range, in bytes.
    pub length: u64,
    /// The media type, if S3 has one.
    pub content_type: Option<String>,
    /// `Content-Range`, if a range was requested.
    pub range: Option<String>,
    content: ByteStream,
}

impl S3 {
    /// An S3 client with the configuration of `bedrock`. `path_style` puts the bucket into the path
    /// instead of the host, as S3-compatible stores require.
    pub fn new(bedrock: &Bedrock, path_style: bool) -> Self {
        let config = Builder::from(bedrock.sdk())
            .force_path_style(path_style)
            // S3-compatible stores reject the SDK's default checksums.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// Writes a complete object.
    pub async fn put(
        &self,
        at: &ObjectLocation,
        media_type: &str,
        body: Bytes,
    ) -> Result<(), UpstreamError> {
        let put = self
            .client
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .content_type(media_type)
            .body(ByteStream::from(body));
        put.send().await.map(drop).map_err(upstream_error)
    }

    /// An object, or the byte range of a `Range` header value.
    pub async fn get(
        &self,
        at: &ObjectLocation,
        range: Option<&str>,
    ) -> Result<S3Object, UpstreamError> {
        let get = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_range(range.map(str::to_owned));
        let found = get.send().await.map_err(upstream_error)?;
        Ok(S3Object {
            length: found
                .content_length
                .and_then(|length| u64::try_from(length).ok())
                .unwrap_or_default(),
            content_type: found.content_type,
            range: found.content_range,
            content: found.body,
        })
    }

    /// Whether the object exists.
    pub async fn exists(&self, at: &ObjectLocation) -> Result<bool, UpstreamError> {
        let head = self.client.head_object().bucket(&at.bucket).key(&at.key);
        match head.send().await.map_err(upstream_error) {
            Ok(_) => Ok(true),
            Err(upstream_error) if upstream_error.api_error.kind == ErrorKind::NotFound => {
                Ok(false)
            }
            Err(upstream_error) => Err(upstream_error),
        }
    }

    /// Deletes an object. Succeeds if it does not exist.
    pub async fn delete(&self, at: &ObjectLocation) -> Result<(), UpstreamError> {
        let delete = self.client.delete_object();
        let delete = delete.bucket(&at.bucket).key(&at.key);
        delete.send().await.map(drop).map_err(upstream_error)
    }

    /// The objects whose keys start with `at.key`, up to 1,000.
    pub async fn list(&self, at: &ObjectLocation) -> Result<Vec<ObjectLocation>, UpstreamError> {
        let list = self.client.list_objects_v2();
        let list = list.bucket(&at.bucket).prefix(&at.key);
        let page = list.send().await.map_err(upstream_error)?;
        let keys = page.contents.unwrap_or_default();
        let keys = keys.into_iter().filter_map(|object| object.key);
        let found = keys.map(|key| ObjectLocation {
            bucket: at.bucket.clone(),
            key,
        });
        Ok(found.collect())
    }

    /// A presigned URL from which anyone can read the object until it expires. It expires earlier
    /// if the credentials do.
    pub async fn presigned(
        &self,
        at: &ObjectLocation,
        valid: Duration,
    ) -> Result<String, UpstreamError> {
        let valid = PresigningConfig::expires_in(valid)
            .map_err(|error| UpstreamError::internal(error.to_string()))?;
        let get = self.client.get_object().bucket(&at.bucket).key(&at.key);
        let signed = get.presigned(valid).await.map_err(upstream_error)?;
        Ok(signed.uri().to_owned())
    }
}

impl ObjectLocation {
    /// Parses `s3://bucket/key`; the key may be empty.
    pub fn parse(uri: &str) -> Option<Self> {
        let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
        (!bucket.is_empty()).then(|| Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        })
    }

    /// The location `name` below this one.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        let folder = self.key.trim_end_matches('/');
        let key = match folder {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        Self {
            bucket: self.bucket.clone(),
            key,
        }
    }
}

impl fmt::Display for ObjectLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.key)
    }
}

impl S3Object {
    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let next = self.content.try_next().await;
        next.map_err(|error| UpstreamError::connection(with_causes(&error)))
    }

    /// Reads the whole object; fails if it is longer than `max` bytes.
    pub async fn read_all(mut self, max: u64) -> Result<Bytes, UpstreamError> {
        let too_long =
            || UpstreamError::bad_response(format!("an object is longer than {max} bytes"));
        if self.length > max {
            return Err(too_long());
        }
        let mut content = Vec::new();
        while let Some(bytes) = self.next().await? {
            if content.len() as u64 + bytes.len() as u64 > max {
                return Err(too_long());
            }
            content.extend_from_slice(&bytes);
        }
        Ok(content.into())
    }
}

pub(in crate::bedrock) fn upstream_error<E>(error: SdkError<E>) -> UpstreamError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let detail = with_causes(&error);
    match (error.code(), status) {
        (code, Some(status)) => UpstreamError::of_storage(status, code.unwrap_or_default(), detail),
        (_, None) => UpstreamError::connection(detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_s3_uri_is_parsed_and_formatted() {
        let at = ObjectLocation::parse("s3://bucket/some/key").expect("a location");
        assert_eq!(at.to_string(), "s3://bucket/some/key");
        assert_eq!(at.join("more").to_string(), "s3://bucket/some/key/more");
        let root = ObjectLocation::parse("s3://bucket/").expect("a location");
        assert_eq!(root.join("key").to_string(), "s3://bucket/key");
        for wrong in ["bucket/key", "s3://bucket", "s3:///key", "https://a/b"] {
            assert_eq!(ObjectLocation::parse(wrong), None, "{wrong}");
        }
    }
}
