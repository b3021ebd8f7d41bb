//! Creates videos.

use std::sync::Arc;

use super::Videos;
use crate::bedrock::{AsyncInvokeOrder, ObjectLocation, UpstreamError};
use crate::catalog::ModelTarget;
use crate::converse::JsonText;
use crate::converse::media::fetched_length;
use crate::endpoints::videos::{
    JobNote, Video, VideoId, VideoOrder, VideoRequest, remote_images, translate,
};
use crate::error::{ApiError, ErrorCode, ErrorKind};
use crate::gateway::CallerRequest;
use crate::gateway::SearchedTarget;
use crate::gateway::{Gateway, unix_seconds};
use crate::limits::Demand;
use crate::models::{Endpoint, VideoCapabilities};
use crate::reply::Reply;
use crate::usage::{Charge, Ledger, Units, Upstream};
use crate::wire::form::FormPart;

/// A video request, and the files of its form.
pub(crate) type VideoRequestWithFiles = (VideoRequest, Vec<FormPart>);

impl Videos {
    /// Starts a video job. The limits count it as one call, which ends when the job has started.
    pub async fn create(
        &self,
        gateway: &Gateway,
        call: CallerRequest<VideoRequestWithFiles>,
    ) -> Result<Reply, ApiError> {
        let CallerRequest {
            caller,
            request: (request, files),
            mut memory,
            ledger,
        } = call;
        let (named, unknown) = (request.model.as_deref(), &request.unknown);
        let found = gateway.model_of(named, unknown, VideoRequest::FIELDS, (&caller, &ledger));
        let mut target = found.await?;
        let name = request.model.clone().unwrap_or_default();
        let model_info = Arc::clone(&target.model_info);
        let capabilities = model_info.serving(&name, Endpoint::Videos, |all| all.video.as_ref())?;
        if gateway.guardrail(&caller, &target).is_some() {
            return Err(unguarded());
        }
        let addresses = remote_images(&request);
        let name_of_target = target.model.shared();
        let fetching =
            gateway.fetch_admitted(&caller, &name_of_target, addresses, &mut memory, &ledger);
        let (fetched, permit) = fetching.await?;
        let length = memory.length().saturating_add(fetched_length(&fetched));
        let translate = move || translate(request, files, capabilities, &fetched);
        let mut order = gateway.workers().on_body(length, translate).await?;
        // The model's input, and the JSON that contains it.
        memory.shrink_to(order.input.as_str().len().saturating_mul(2));
        target.note_in(&mut order.adjustments);
        let charge = charge(&target, capabilities, &order);
        ledger.adjusted(order.adjustments.log_value());
        let demand = Demand::of_units(charge.cost.total());
        let _permit = match permit {
            Some(permit) => gateway
                .reserve(&caller, &demand, &ledger)
                .map(|()| permit)?,
            None => {
                let admitted = gateway.admit(&caller, &name_of_target, &demand, &ledger);
                admitted.await?
            }
        };
        let input = std::mem::replace(&mut order.input, JsonText::empty_object());
        let searched = SearchedTarget::new(&target, false);
        let started = start(
            gateway,
            self.folder_of(&caller),
            &searched,
            input,
            &order,
            &name,
            &ledger,
        )
        .await;
        drop(memory);
        let id = started.map_err(|error| gateway.received(error, None, &ledger))?;
        let profile = searched.profile.into_inner();
        gateway.note_profile(&mut target, profile, &mut order.adjustments, &ledger);
        ledger.charge(charge);
        let video = Video::new(
            id.to_string(),
            name,
            unix_seconds(),
            order.size,
            order.seconds,
        );
        Ok(Reply {
            adjustments: order.adjustments,
            cost: Some(charge.cost),
            ..Reply::json(&video.prompted(order.prompt))?
        })
    }
}

/// Starts a video job. The token is generated once, so that a retry cannot start a second job.
async fn start(
    gateway: &Gateway,
    folder: ObjectLocation,
    searched: &SearchedTarget<'_>,
    input: JsonText,
    order: &VideoOrder,
    name: &str,
    ledger: &Arc<Ledger>,
) -> Result<VideoId, UpstreamError> {
    let bedrock = gateway.bedrock_for(ledger, Upstream::AsyncInvoke);
    let note = JobNote {
        nonce: fastrand::u64(..),
        seconds: order.seconds,
        size: order.size.clone(),
        model: name.to_owned(),
    };
    let start = &AsyncInvokeOrder {
        input,
        output: folder,
        token: note.to_string(),
    };
    let bedrock = &bedrock;
    let start = |model| async move { bedrock.start_async_invoke(&model, start).await };
    Ok(VideoId {
        region: bedrock.region().to_owned(),
        job: gateway.call_target(searched, start).await?,
    })
}

/// The charge of the video: AWS bills it by the second, and only if the job succeeds.
fn charge(target: &ModelTarget, capabilities: &VideoCapabilities, order: &VideoOrder) -> Charge {
    let is_priced = [0, order.resolution].contains(&capabilities.priced_resolution);
    let second = target.model_info.units.second.filter(|_| is_priced);
    Charge::of_units(Units::Seconds(u64::from(order.seconds)), second)
}

fn unguarded() -> ApiError {
    let message = "videos are disabled for this request: the gateway's operator has set a \
                   guardrail, and guardrails do not support videos";
    ApiError::new(ErrorKind::Permission, message)
        .code(ErrorCode::GuardrailRequired)
        .should_retry(false)
}
