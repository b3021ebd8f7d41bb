//! Who can read a stored response.

use outcrop::allowances::{KeyGrant, Team};
use outcrop::config::{ChatOverrides, Config, KeyDigest, KeyEntry, ResponseOwner, ResponseStorage};
use serde_json::{Value, json};

use super::{NOVA, create, created, delete, on_disk, path_of};
use crate::harness::Harness;

/// Two keys of one team, and one of none.
pub fn keys(config: &mut Config) {
    for (name, team) in [
        ("one", Some("team")),
        ("two", Some("team")),
        ("alone", None),
    ] {
        config.keys.push(KeyEntry {
            caller: name.to_owned(),
            digest: KeyDigest::of(name),
            access_key: None,
            chat: ChatOverrides::default(),
            grant: KeyGrant {
                team: team.map(str::to_owned),
                ..KeyGrant::default()
            },
        });
    }
    let teams = &mut config.organization.teams;
    teams.insert("team".to_owned(), Team::default());
}

/// What a caller gets who names `response`, without the ids.
async fn refusals(harness: &Harness, response: &Value, item: &Value) -> Vec<(u16, String)> {
    let path = path_of(response);
    let continued = json!({"model": NOVA, "input": "x", "previous_response_id": response["id"]});
    let referring = json!({"model": NOVA, "input": [{"id": item}]});
    let replies = [
        harness.get(&path).await,
        harness.get(&format!("{path}?stream=true")).await,
        harness.get(&format!("{path}/input_items")).await,
        delete(harness, &path).await,
        create(harness, &continued).await,
        create(harness, &referring).await,
    ];
    let ids = [response["id"].as_str().unwrap(), item.as_str().unwrap()];
    let texts = replies.map(|reply| (reply.status.as_u16(), reply.text));
    let without_ids = |text: String| ids.iter().fold(text, |text, id| text.replace(id, "ID"));
    texts
        .map(|(status, text)| (status, without_ids(text)))
        .to_vec()
}

#[tokio::test]
async fn others_get_the_error_of_an_unknown_id() {
    for storage in [ResponseStorage::Memory, ResponseStorage::Disk] {
        let mut harness = Harness::with(|config| {
            keys(config);
            on_disk(config);
            config.responses.store = storage;
        })
        .await;
        harness.key = Some("one");
        let response = created(&harness, &json!({"model": NOVA, "input": "hi"})).await;
        let item = response["output"][0]["id"].clone();
        let unknown = json!({"id": "resp_0199999999999999999999"});
        for other in ["two", "alone"] {
            harness.key = Some(other);
            let foreign = refusals(&harness, &response, &item).await;
            assert_eq!(
                foreign,
                refusals(&harness, &unknown, &json!("msg_01")).await
            );
            let statuses: Vec<u16> = foreign.iter().map(|(status, _)| *status).collect();
            assert_eq!(statuses, [404, 404, 404, 404, 400, 404]);
        }
        harness.key = Some("one");
        assert_eq!(harness.get(&path_of(&response)).await.json(), response);
    }
}

#[tokio::test]
async fn a_team_shares_its_responses_if_it_owns_them() {
    let mut harness = Harness::with(|config| {
        keys(config);
        config.responses.owner = ResponseOwner::Team;
    })
    .await;
    harness.key = Some("one");
    let response = created(&harness, &json!({"model": NOVA, "input": "hi"})).await;
    harness.key = Some("two");
    assert_eq!(harness.get(&path_of(&response)).await.json(), response);
    harness.key = Some("alone");
    assert_eq!(harness.get(&path_of(&response)).await.status, 404);
    let own = created(&harness, &json!({"model": NOVA, "input": "hi"})).await;
    assert_eq!(harness.get(&path_of(&own)).await.status, 200);
}
