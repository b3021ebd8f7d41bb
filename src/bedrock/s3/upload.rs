//! Uploads an object incrementally: small ones by one PUT, longer ones in parts, so that at most
//! one part is held in memory.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;

use super::{ObjectLocation, S3, upstream_error};
use crate::bedrock::errors::UpstreamError;

/// The length of a part. S3 requires at least 5 MiB, except for the last part, and at most 10,000
/// parts.
const PART: usize = 8 << 20;

/// The initial buffer size of a part.
const FIRST_BUFFER: usize = 64 << 10;

/// An upload in progress. The object does not exist until [`S3Upload::finish`].
#[derive(Debug)]
pub struct S3Upload {
    s3: S3,
    at: ObjectLocation,
    media_type: &'static str,
    length: u64,
    pending: Vec<u8>,
    /// The id of a multipart upload, and its uploaded parts.
    parts: Option<(String, Vec<CompletedPart>)>,
}

impl S3 {
    /// Starts an upload.
    pub fn upload(&self, at: ObjectLocation, media_type: &'static str) -> S3Upload {
        S3Upload {
            s3: self.clone(),
            at,
            media_type,
            length: 0,
            pending: Vec::new(),
            parts: None,
        }
    }
}

impl S3Upload {
    /// The length written so far, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The maximum memory held while the next `length` bytes are written: the buffer doubles up to
    /// the size of a part.
    pub fn held_with(&self, length: usize) -> usize {
        let needed = self.pending.len().saturating_add(length);
        needed.max(FIRST_BUFFER).next_power_of_two().min(PART)
    }

    /// Writes the next bytes.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UpstreamError> {
        self.length = self.length.saturating_add(bytes.len() as u64);
        loop {
            let room = PART - self.pending.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            let capacity = self.held_with(now.len());
            self.pending.reserve_exact(capacity - self.pending.len());
            self.pending.extend_from_slice(now);
            bytes = rest;
            if self.pending.len() == PART {
                self.send_part().await?;
            }
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// Completes the object.
    pub async fn finish(mut self) -> Result<(), UpstreamError> {
        if self.parts.is_none() {
            let body = Bytes::from(self.pending);
            return self.s3.put(&self.at, self.media_type, body).await;
        }
        if !self.pending.is_empty() {
            self.send_part().await?;
        }
        let Some((id, parts)) = self.parts else {
            return Ok(());
        };
        let completed = CompletedMultipartUpload::builder().set_parts(Some(parts));
        let complete = self.s3.client.complete_multipart_upload();
        let complete = complete.bucket(&self.at.bucket).key(&self.at.key);
        let complete = complete.upload_id(id).multipart_upload(completed.build());
        complete.send().await.map(drop).map_err(upstream_error)
    }

    /// Discards the upload: AWS bills uploaded parts until they are deleted.
    pub async fn abandon(self) {
        let Some((id, _)) = self.parts else {
            return;
        };
        let abort = self.s3.client.abort_multipart_upload();
        let abort = abort.bucket(&self.at.bucket).key(&self.at.key);
        if let Err(error) = abort.upload_id(id).send().await.map_err(upstream_error) {
            tracing::warn!(
                upstream_error = error.detail,
                "an upload could not be aborted"
            );
        }
    }

    async fn send_part(&mut self) -> Result<(), UpstreamError> {
        let ObjectLocation { bucket, key } = &self.at;
        let client = &self.s3.client;
        let (id, mut parts) = match self.parts.take() {
            Some(upload) => upload,
            None => {
                let create = client.create_multipart_upload().bucket(bucket).key(key);
                let create = create.content_type(self.media_type).send().await;
                let id = create
                    .map_err(upstream_error)?
                    .upload_id
                    .unwrap_or_default();
                (id, Vec::new())
            }
        };
        let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
        let body = std::mem::take(&mut self.pending);
        let send = client.upload_part().bucket(bucket).key(key);
        let send = send.upload_id(&id).part_number(number).body(body.into());
        let sent = send.send().await.map_err(upstream_error);
        if let Ok(sent) = &sent {
            let part = CompletedPart::builder().part_number(number);
            parts.push(part.set_e_tag(sent.e_tag.clone()).build());
        }
        // Also after a failure, so that the upload can be aborted.
        self.parts = Some((id, parts));
        sent.map(drop)
    }
}
