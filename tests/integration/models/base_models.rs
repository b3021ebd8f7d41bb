//! Base models: looked up in a control plane of the test, cached, or configured.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use outcrop::bedrock::{BaseModel, Bedrock, BedrockSettings, SimulatedBedrock};
use outcrop::catalog::{BaseModels, LearnedModels};
use outcrop::models::ModelId;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{advance, pause, resume};

use crate::harness::logs;

const REFRESH: Duration = Duration::from_secs(900);
const PROFILE: &str = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
const PROFILE_PATH: &str = "/inference-profiles/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3A\
                            application-inference-profile%2Fabc";
const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA: &str = "amazon.nova-lite-v1:0:300k";

/// A control plane with a response for each path, and 404 for others.
struct ControlPlane {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    responses: Mutex<HashMap<String, (u16, Value)>>,
    /// The requested paths.
    received: watch::Sender<Vec<String>>,
    /// While paused, requests wait.
    is_paused: watch::Sender<bool>,
}

impl ControlPlane {
    async fn start() -> Self {
        logs::begin();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            responses: Mutex::default(),
            received: watch::Sender::default(),
            is_paused: watch::Sender::default(),
        });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                let respond = service_fn(move |request| reply(shared.clone(), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
                tokio::spawn(connection);
            }
        });
        Self { url, shared }
    }

    fn respond(&self, path: &str, status: u16, body: Value) {
        let mut responses = self.shared.responses.lock().unwrap();
        responses.insert(path.to_owned(), (status, body));
    }

    fn profile_of(&self, model: &str) {
        self.respond(PROFILE_PATH, 200, profile(model));
    }

    fn refuse_profile(&self) {
        let message = "User: x is not authorized to perform: bedrock:GetInferenceProfile";
        self.respond(PROFILE_PATH, 403, json!({"message": message}));
    }

    fn set_paused(&self, is_paused: bool) {
        self.shared.is_paused.send_replace(is_paused);
    }

    fn received(&self) -> Vec<String> {
        self.shared.received.borrow().clone()
    }

    async fn wait_for_received(&self, times: usize) {
        let mut received = self.shared.received.subscribe();
        received
            .wait_for(|received| received.len() >= times)
            .await
            .unwrap();
    }

    async fn bases(&self) -> BaseModels {
        self.bases_with(BTreeMap::new()).await
    }

    async fn bases_with(&self, stated: BTreeMap<String, ModelId>) -> BaseModels {
        let settings = BedrockSettings {
            simulated: Some(SimulatedBedrock::at(self.url.clone())),
            ..BedrockSettings::default()
        };
        let bedrock = Bedrock::connect(&settings).await.unwrap();
        BaseModels::new(bedrock, stated, REFRESH, LearnedModels::default())
    }
}

async fn reply(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, http::Error> {
    let path = request.uri().path().to_owned();
    shared
        .received
        .send_modify(|received| received.push(path.clone()));
    let mut is_paused = shared.is_paused.subscribe();
    is_paused.wait_for(|is_paused| !is_paused).await.unwrap();
    let response = shared.responses.lock().unwrap().get(&path).cloned();
    let (status, body) = response.unwrap_or((404, json!({"message": "not found"})));
    let body = Full::new(Bytes::from(body.to_string()));
    Response::builder().status(status).body(body)
}

fn id(text: &str) -> ModelId {
    ModelId::parse(text).unwrap()
}

fn foundation(text: &str) -> Option<BaseModel> {
    Some(BaseModel::Foundation(id(text)))
}

fn arn_of(model: &str) -> String {
    format!("arn:aws:bedrock:us-east-1::foundation-model/{model}")
}

fn profile(model: &str) -> Value {
    json!({"models": [{"modelArn": arn_of(model)}, {"modelArn": arn_of("other.model")}]})
}

async fn advance_time(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// Polls until the base model is `expected`, since lookups continue in the background.
async fn becomes(bases: &BaseModels, model: &ModelId, expected: Option<BaseModel>) {
    while bases.of(model).await != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_model_type_resolves_to_its_base_model() {
    let of_account = |resource: &str| format!("arn:aws:bedrock:us-east-1:123456789012:{resource}");
    let lookup_path = |path: &str, resource: &str| {
        let arn = of_account(resource).replace(':', "%3A").replace('/', "%2F");
        format!("{path}/{arn}")
    };
    let custom = "custom-model/amazon.nova-lite-v1:0:300k/abcdefghijkl";
    let routed = of_account("inference-profile/us.amazon.nova-lite-v1:0:300k");
    let imported = |takes_tools| Some(BaseModel::Imported { takes_tools });
    for (path, resource, response, expected) in [
        (
            "/inference-profiles",
            "application-inference-profile/abc",
            profile(NOVA),
            foundation(NOVA),
        ),
        (
            "/provisioned-model-throughput",
            "provisioned-model/abcdefghijkl",
            json!({"modelArn": of_account(custom), "foundationModelArn": arn_of(NOVA)}),
            foundation(NOVA),
        ),
        (
            "/custom-models",
            custom,
            json!({"modelArn": of_account(custom), "baseModelArn": arn_of(NOVA)}),
            foundation(NOVA),
        ),
        (
            "/custom-models",
            "custom-model/imported/abcdefghijkl",
            json!({"customizationType": "IMPORTED"}),
            None,
        ),
        (
            "/model-customization/custom-model-deployments",
            "custom-model-deployment/abcdefghijkl",
            json!({"modelArn": of_account(custom), "status": "Active"}),
            foundation(NOVA),
        ),
        (
            "/imported-models",
            "imported-model/abcdefghijkl",
            json!({"modelArchitecture": "llama", "instructSupported": true}),
            imported(true),
        ),
        (
            "/imported-models",
            "imported-model/abcdefghijkl",
            json!({"modelArchitecture": "llama"}),
            imported(false),
        ),
        (
            "/prompt-routers",
            "default-prompt-router/amazon.nova:1",
            json!({"models": [{"modelArn": routed}], "fallbackModel": {"modelArn": routed}}),
            foundation(NOVA),
        ),
    ] {
        let control_plane = ControlPlane::start().await;
        control_plane.respond(
            &lookup_path("/custom-models", custom),
            200,
            json!({"baseModelArn": arn_of(NOVA)}),
        );
        control_plane.respond(&lookup_path(path, resource), 200, response);
        let bases = control_plane.bases().await;
        let base = bases.of(&id(&of_account(resource))).await;
        assert_eq!(base, expected, "{resource}: {:?}", control_plane.received());
        assert_eq!(control_plane.received()[0], lookup_path(path, resource));
        let steps = 1 + usize::from(resource.starts_with("custom-model-deployment"));
        assert_eq!(control_plane.received().len(), steps, "{resource}");
    }
}

#[tokio::test]
async fn stated_base_models_are_not_looked_up() {
    let control_plane = ControlPlane::start().await;
    let stated = BTreeMap::from([
        (PROFILE.to_owned(), id("us.amazon.nova-lite-v1:0:300k")),
        ("provisioned".to_owned(), id(CLAUDE)),
    ]);
    let bases = control_plane.bases_with(stated).await;
    for (model, base) in [
        (PROFILE, foundation(NOVA)),
        ("provisioned", foundation(CLAUDE)),
        (CLAUDE, foundation(CLAUDE)),
        (&format!("global.{CLAUDE}"), foundation(CLAUDE)),
        (&arn_of(CLAUDE), foundation(CLAUDE)),
        (
            "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ",
            None,
        ),
    ] {
        assert_eq!(bases.of(&id(model)).await, base, "{model}");
    }
    assert!(control_plane.received().is_empty());
}

#[tokio::test]
async fn concurrent_first_lookups_send_one_call() {
    let control_plane = ControlPlane::start().await;
    control_plane.profile_of(CLAUDE);
    let bases = control_plane.bases().await;
    let model = id(PROFILE);
    let responses = join_all((0..50).map(|_| bases.of(&model))).await;
    assert!(
        responses
            .iter()
            .all(|response| *response == foundation(CLAUDE))
    );
    assert_eq!(bases.of(&model).await, foundation(CLAUDE));
    assert_eq!(control_plane.received().len(), 1);
}

#[tokio::test]
async fn a_cancelled_caller_does_not_cancel_the_lookup() {
    let control_plane = ControlPlane::start().await;
    control_plane.profile_of(CLAUDE);
    control_plane.set_paused(true);
    let (bases, model) = (control_plane.bases().await, id(PROFILE));
    tokio::select! {
        _ = bases.of(&model) => panic!("the lookup ended"),
        () = control_plane.wait_for_received(1) => {}
    }
    control_plane.set_paused(false);
    assert_eq!(bases.of(&model).await, foundation(CLAUDE));
    assert_eq!(control_plane.received().len(), 1);
}

#[tokio::test]
async fn a_slow_control_plane_delays_the_first_request_only_briefly() {
    let control_plane = ControlPlane::start().await;
    control_plane.profile_of(CLAUDE);
    control_plane.set_paused(true);
    let bases = control_plane.bases().await;
    let (waiting, model) = (bases.clone(), id(PROFILE));
    let first = tokio::spawn(async move { waiting.of(&id(PROFILE)).await });
    control_plane.wait_for_received(1).await;
    // From here on time advances when every task waits.
    pause();
    assert_eq!(first.await.unwrap(), None);
    resume();
    control_plane.set_paused(false);
    becomes(&bases, &model, foundation(CLAUDE)).await;
    assert_eq!(control_plane.received().len(), 1);
}

#[tokio::test]
async fn a_lookup_is_refreshed_in_the_background_and_survives_errors() {
    let control_plane = ControlPlane::start().await;
    control_plane.profile_of(CLAUDE);
    let (bases, model) = (control_plane.bases().await, id(PROFILE));
    assert_eq!(bases.of(&model).await, foundation(CLAUDE));

    control_plane.profile_of(NOVA);
    control_plane.set_paused(true);
    advance_time(REFRESH).await;
    assert_eq!(
        bases.of(&model).await,
        foundation(CLAUDE),
        "the cached value is returned at once"
    );
    control_plane.set_paused(false);
    becomes(&bases, &model, foundation(NOVA)).await;
    assert_eq!(control_plane.received().len(), 2);

    control_plane.refuse_profile();
    for round in 1..=3 {
        advance_time(REFRESH).await;
        assert_eq!(bases.of(&model).await, foundation(NOVA));
        while logs::warnings().len() < round {
            tokio::task::yield_now().await;
        }
        assert_eq!(bases.of(&model).await, foundation(NOVA));
    }
    assert_eq!(control_plane.received().len(), 5);
    assert!(logs::warnings()[0].contains("kept=true"));
}

#[tokio::test]
async fn a_permission_error_is_cached_and_logged_with_a_remedy() {
    let control_plane = ControlPlane::start().await;
    control_plane.refuse_profile();
    let (bases, model) = (control_plane.bases().await, id(PROFILE));
    for _ in 0..10 {
        assert_eq!(bases.of(&model).await, None);
    }
    advance_time(Duration::from_secs(59)).await;
    assert_eq!(bases.of(&model).await, None);
    assert_eq!(control_plane.received().len(), 1);
    let warnings = logs::warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "AccessDeniedException",
        "bedrock:GetInferenceProfile: User: x is not authorized",
        &format!("`[base_models] \"{PROFILE}\" = \"<foundation model id>\"`"),
    ] {
        assert!(warnings[0].contains(part), "{part} is not in {warnings:?}");
    }

    control_plane.profile_of(CLAUDE);
    advance_time(Duration::from_secs(2)).await;
    becomes(&bases, &model, foundation(CLAUDE)).await;
    assert_eq!(control_plane.received().len(), 2);
}

#[tokio::test]
async fn a_transient_error_is_retried_sooner() {
    let control_plane = ControlPlane::start().await;
    let throttled = json!({"message": "Rate exceeded"});
    control_plane.respond(PROFILE_PATH, 429, throttled);
    let (bases, model) = (control_plane.bases().await, id(PROFILE));
    assert_eq!(bases.of(&model).await, None);
    control_plane.profile_of(CLAUDE);
    advance_time(Duration::from_secs(6)).await;
    becomes(&bases, &model, foundation(CLAUDE)).await;
    assert_eq!(control_plane.received().len(), 2);
}

#[tokio::test]
async fn invented_names_do_not_evict_a_lookup() {
    let control_plane = ControlPlane::start().await;
    control_plane.profile_of(CLAUDE);
    let (bases, model) = (control_plane.bases().await, id(PROFILE));
    assert_eq!(bases.of(&model).await, foundation(CLAUDE));
    let invented: Vec<ModelId> = (0..1100).map(|n| id(&format!("{PROFILE}{n}"))).collect();
    let responses = join_all(invented.iter().map(|model| bases.of(model))).await;
    assert!(responses.iter().all(Option::is_none));
    assert_eq!(bases.of(&model).await, foundation(CLAUDE));
    let received = control_plane.received();
    let about_the_profile = received.iter().filter(|path| *path == PROFILE_PATH);
    assert_eq!(about_the_profile.count(), 1);
}
