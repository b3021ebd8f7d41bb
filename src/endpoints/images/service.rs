//! The life of an image request: look up the model, fetch the input images, translate, send one or
//! several calls, and return the images or their URLs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;

use crate::bedrock::{Bedrock, InvokeResponse, ObjectLocation, S3};
use crate::config::S3Settings;
use crate::endpoints::images::{
    Delivery, GeneratedImage, ImageContext, ImageData, ImageEndpoint, ImageHead, ImageRequest,
    TranslatedImage, completed_events, images, images_response, remote_images, translate,
};
use crate::error::ApiError;
use crate::gateway::SearchedTarget;
use crate::gateway::client_error;
use crate::gateway::guardrail_headers;
use crate::gateway::refuse_adjustments;
use crate::gateway::{CallerRequest, UpstreamBodies};
use crate::gateway::{Gateway, unix_seconds};
use crate::limits::Demand;
use crate::reply::Reply;
use crate::resources::ids::response_id;
use crate::usage::{Charge, Ledger, Units};
use crate::wire::form::FormPart;

/// An image request with its HTTP form and headers.
#[derive(Debug)]
pub(crate) struct ImageCall {
    /// The JSON body, or the text fields of the form.
    pub request: ImageRequest,
    /// The files of the form.
    pub files: Vec<FormPart>,
    /// `x-outcrop-strict`
    pub strict: bool,
}

/// The body of the response to an image request.
#[derive(Debug)]
pub enum ImageBody {
    /// JSON.
    Json(Bytes),
    /// Server-sent events.
    Events(Bytes),
}

/// The S3 folder for images that are returned by URL.
#[derive(Debug)]
pub struct ImageStore {
    s3: S3,
    folder: ObjectLocation,
    valid: Duration,
}

/// Handles an image request.
pub(super) async fn create(
    gateway: &Gateway,
    store: Option<&ImageStore>,
    endpoint: ImageEndpoint,
    call: CallerRequest<ImageCall>,
) -> Result<Reply<ImageBody>, ApiError> {
    let CallerRequest {
        caller,
        request: call,
        mut memory,
        ledger,
    } = call;
    let ImageCall {
        request,
        files,
        strict,
    } = call;
    let (named, unknown) = (request.model.as_deref(), &request.unknown);
    let found = gateway.model_of(named, unknown, ImageRequest::FIELDS, (&caller, &ledger));
    let mut target = found.await?;
    let name = request.model.as_deref().unwrap_or_default();
    let model_info = Arc::clone(&target.model_info);
    let capabilities = model_info.serving(name, endpoint.endpoint(), |all| all.image.as_ref())?;
    let name_of_target = target.model.shared();
    let addresses = remote_images(&request);
    let fetching =
        gateway.fetch_admitted(&caller, &name_of_target, addresses, &mut memory, &ledger);
    let (fetched, permit) = fetching.await?;
    let context = ImageContext {
        capabilities: capabilities.clone(),
        model_fields: gateway.chat_settings().model_fields.clone(),
        has_bucket: store.is_some(),
        fetched: Arc::new(fetched),
    };
    // Masks and base64 take CPU time for each pixel.
    let translate = move || translate(endpoint, request, files, &context);
    let TranslatedImage {
        mut prepared,
        mut adjustments,
    } = gateway.workers().on_image(translate).await?;
    target.note_in(&mut adjustments);
    let strict = gateway.is_strict(&caller, &target, strict);
    if strict {
        refuse_adjustments(&adjustments)?;
    }
    ledger.translated(prepared.stream, None, adjustments.log_value());
    let price = target.model_info.units.image;
    let price = price.filter(|_| prepared.has_price);
    let charge = Charge::of_units(Units::Images(u64::from(prepared.count)), price);
    let demand = Demand::of_units(charge.cost.total());
    let bodies = std::mem::take(&mut prepared.bodies);
    let guardrail = gateway.guardrail(&caller, &target).map(guardrail_headers);
    let headers = guardrail.transpose()?.unwrap_or_default();
    let upstream_bodies = UpstreamBodies::new(bodies, 0, memory);
    let searched = SearchedTarget::new(&target, target.is_exact(strict));
    let call = gateway.invoke_all(
        &caller,
        &searched,
        upstream_bodies,
        &headers,
        &ledger,
        (permit, &demand),
    );
    let responses = Box::pin(call).await?;
    let profile = searched.profile.into_inner();
    gateway.note_profile(&mut target, profile, &mut adjustments, &ledger);
    let responses: Vec<Bytes> = responses
        .into_iter()
        .map(|InvokeResponse { body, .. }| body)
        .collect();
    let images = images(capabilities.body, &responses, &prepared, &mut adjustments)?;
    ledger.charge(charge);
    ledger.adjusted(adjustments.log_value());
    let body = deliver(
        store,
        endpoint,
        images,
        prepared.delivery,
        prepared.stream,
        &ledger,
    )
    .await?;
    let body = match prepared.stream {
        true => ImageBody::Events(body.into()),
        false => ImageBody::Json(body.into()),
    };
    Ok(Reply {
        body,
        adjustments,
        cost: Some(charge.cost),
    })
}

/// The images as the client receives them: by URL or in base64.
async fn deliver(
    store: Option<&ImageStore>,
    endpoint: ImageEndpoint,
    images: Vec<GeneratedImage>,
    delivery: Delivery,
    stream: bool,
    ledger: &Ledger,
) -> Result<Vec<u8>, ApiError> {
    let head = ImageHead::of(unix_seconds(), &images);
    if stream {
        let events = completed_events(endpoint, head.created, &images);
        return events.map_err(|_| ApiError::internal());
    }
    let data = match (delivery, store) {
        (Delivery::Address, Some(store)) => {
            try_join_all(images.iter().map(|image| store.keep(image, ledger))).await?
        }
        _ => images
            .into_iter()
            .map(|image| ImageData::Base64(image.base64))
            .collect(),
    };
    images_response(&head, &data).map_err(|_| ApiError::internal())
}

impl ImageStore {
    /// The store in the operator's bucket; `None` if no bucket is configured.
    pub fn new(settings: &S3Settings, bedrock: &Bedrock) -> Option<Self> {
        let root = ObjectLocation {
            bucket: settings.bucket.clone()?,
            key: settings.prefix.clone(),
        };
        Some(Self {
            s3: S3::new(bedrock, settings.path_style),
            folder: root.join("images"),
            valid: settings.presigned_url_ttl,
        })
    }

    /// Stores an image, and returns a presigned URL.
    async fn keep(&self, image: &GeneratedImage, ledger: &Ledger) -> Result<ImageData, ApiError> {
        let bytes = image.bytes().ok_or_else(ApiError::internal)?;
        let (media_type, extension) = image.media_type();
        let name = response_id("");
        let at = self.folder.join(&format!("{name}.{extension}"));
        let put = self.s3.put(&at, media_type, bytes.into()).await;
        put.map_err(|error| client_error(error, ledger))?;
        let address = self.s3.presigned(&at, self.valid).await;
        let address = address.map_err(|error| client_error(error, ledger))?;
        Ok(ImageData::Address(address))
    }
}
