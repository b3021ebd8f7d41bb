//! The life of a request for pictures: its model is looked up, its pictures are fetched, it is
//! translated, sent as often as it takes, and answered with pictures or with where they are.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;

use super::draft::refuse_adjustments;
use super::invoke::guardrail_headers;
use super::models::{ModelTarget, check_endpoint};
use super::profiles::SearchedTarget;
use super::request::Outgoing;
use super::{CallerRequest, Cost, Pipeline, Reply, heard, unix_seconds};
use crate::bedrock::{Bedrock, InvokeResponse, ObjectLocation, S3};
use crate::config::S3Settings;
use crate::fault::ApiError;
use crate::limits::Refusal;
use crate::openai::form::FormPart;
use crate::openai::images::{
    Delivery, GeneratedImage, ImageContext, ImageData, ImageEndpoint, ImageHead, ImageRequest,
    TranslatedImage, completed_events, image_answer, pictures, remote_pictures, translate,
};
use crate::record::Record;

/// A request for pictures, as it was sent.
#[derive(Debug)]
pub struct ImageCall {
    /// What the body says, or the texts of the form.
    pub request: ImageRequest,
    /// The files of the form.
    pub files: Vec<FormPart>,
    /// `x-outcrop-strict`
    pub strict: bool,
}

/// An answer with pictures.
#[derive(Debug)]
pub enum ImageReply {
    /// JSON.
    Whole(Reply),
    /// Server-sent events.
    Events(Reply),
}

/// Where pictures are kept that clients get the addresses of.
#[derive(Debug)]
pub(super) struct ImageStore {
    s3: S3,
    folder: ObjectLocation,
    valid: Duration,
}

impl Pipeline {
    /// Answers a request for pictures, or says what stands against it.
    pub async fn images(
        &self,
        endpoint: ImageEndpoint,
        asked: CallerRequest<ImageCall>,
    ) -> Result<ImageReply, Refusal> {
        let CallerRequest {
            caller,
            request: call,
            mut memory,
            record,
        } = asked;
        let ImageCall {
            request,
            files,
            strict,
        } = call;
        let (named, unknown) = (request.model.as_deref(), &request.unknown);
        let found = self.model_of(named, unknown, ImageRequest::FIELDS, &record);
        let mut target = found.await?;
        let name = request.model.as_deref().unwrap_or_default();
        check_endpoint(name, &target.known.facts, endpoint.endpoint())?;
        let known = Arc::clone(&target.known);
        let facts = known.facts.image.as_ref();
        let facts = facts.ok_or_else(ApiError::internal)?;
        let name_of_target = Arc::from(target.model.as_str());
        let addresses = remote_pictures(&request);
        let fetching =
            self.fetch_admitted(&caller, &name_of_target, addresses, &mut memory, &record);
        let (fetched, permit) = fetching.await?;
        let terms = ImageContext {
            facts: facts.clone(),
            model_fields: self.chat.model_fields.clone(),
            has_bucket: self.pictures.is_some(),
            fetched: Arc::new(fetched),
        };
        // Masks and base64 take processor time by the pixel.
        let translate = move || translate(endpoint, request, files, &terms);
        let TranslatedImage {
            mut plan,
            mut adjustments,
        } = self.workers.on_picture(translate).await?;
        target.note_in(&mut adjustments);
        let strict = self.is_strict(&caller, &target, strict);
        if strict {
            refuse_adjustments(&adjustments)?;
        }
        {
            let mut entries = record.entries();
            entries.stream = plan.stream;
            entries.adjustments = adjustments.log_value();
        }
        let bodies = std::mem::take(&mut plan.bodies);
        let guardrail = self.guardrail(&caller, &target).map(guardrail_headers);
        let headers = guardrail.transpose()?.unwrap_or_default();
        let outgoing = Outgoing::new(bodies, 0, memory);
        let searched = SearchedTarget::new(&target, target.is_exact(strict));
        let asked = self.invoke_all(&caller, &searched, outgoing, &headers, &record, permit);
        let (answers, rate) = Box::pin(asked).await?;
        let profile = searched.profile.into_inner();
        self.note_profile(&mut target, profile, &mut adjustments, &record);
        let answers: Vec<Bytes> = answers
            .into_iter()
            .map(|InvokeResponse { body, .. }| body)
            .collect();
        let made = pictures(facts.body, &answers, &plan, &mut adjustments)?;
        let cost = cost(&target, plan.count, plan.has_price);
        {
            let mut entries = record.entries();
            entries.cost = Some(cost);
            entries.adjustments = adjustments.log_value();
        }
        let body = self
            .delivered(endpoint, made, plan.delivery, plan.stream, &record)
            .await?;
        let answer = Reply {
            body: body.into(),
            adjustments,
            rate,
            cost: Some(cost),
        };
        Ok(match plan.stream {
            true => ImageReply::Events(answer),
            false => ImageReply::Whole(answer),
        })
    }

    /// The pictures as the client gets them.
    async fn delivered(
        &self,
        endpoint: ImageEndpoint,
        made: Vec<GeneratedImage>,
        delivery: Delivery,
        stream: bool,
        record: &Record,
    ) -> Result<Vec<u8>, ApiError> {
        let head = ImageHead::of(unix_seconds(), &made);
        if stream {
            let events = completed_events(endpoint, head.created, &made);
            return events.map_err(|_| ApiError::internal());
        }
        let data = match (delivery, &self.pictures) {
            (Delivery::Address, Some(store)) => {
                try_join_all(made.iter().map(|picture| store.keep(picture, record))).await?
            }
            _ => made
                .into_iter()
                .map(|picture| ImageData::Base64(picture.base64))
                .collect(),
        };
        image_answer(&head, &data).map_err(|_| ApiError::internal())
    }
}

impl ImageStore {
    /// The operator's bucket, where there is one.
    pub(super) fn new(settings: &S3Settings, bedrock: &Bedrock) -> Option<Self> {
        let root = ObjectLocation {
            bucket: settings.bucket.clone()?,
            key: settings.prefix.clone(),
        };
        Some(Self {
            s3: S3::new(bedrock, settings.path_style),
            folder: root.join("images"),
            valid: settings.presigned_for,
        })
    }

    /// Keeps a picture, and gives the address at which it can be read for a while.
    async fn keep(&self, picture: &GeneratedImage, record: &Record) -> Result<ImageData, ApiError> {
        let bytes = picture.bytes().ok_or_else(ApiError::internal)?;
        let (media_type, ending) = picture.media_type();
        let name: String = std::iter::repeat_with(fastrand::alphanumeric)
            .take(24)
            .collect();
        let at = self.folder.join(&format!("{name}.{ending}"));
        let put = self.s3.put(&at, media_type, bytes.into()).await;
        put.map_err(|failure| heard(failure, record))?;
        let address = self.s3.presigned(&at, self.valid).await;
        let address = address.map_err(|failure| heard(failure, record))?;
        Ok(ImageData::Address(address))
    }
}

/// What the pictures cost, where the table has their price.
fn cost(target: &ModelTarget, count: u32, has_price: bool) -> Cost {
    let price = target.known.units.image.filter(|_| has_price);
    Cost {
        total: price.map(|price| price.times(u64::from(count))),
        saved: None,
    }
}
