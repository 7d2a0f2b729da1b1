//! Members: roles, the last owner, and what a removal stops.

use leakage_api::auth::Role;
use leakage_tests::{Caller, Person, TestApp, assert_problem, new_email, send};
use serde_json::{Value, json};

async fn etag(caller: &Caller, person: &Person) -> String {
    let response = caller.get(&format!("/v1/members/{}", person.id)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers()["etag"].to_str().unwrap().to_owned()
}

async fn set_role(caller: &Caller, person: &Person, role: &str) -> (u16, Value) {
    let etag = etag(caller, person).await;
    let path = format!("/v1/members/{}", person.id);
    send(caller.patch(&path).header("If-Match", etag).json(&json!({"role": role}))).await
}

async fn remove(caller: &Caller, person: &Person) -> (u16, Value) {
    send(caller.delete(&format!("/v1/members/{}", person.id))).await
}

#[tokio::test]
async fn members_are_listed_in_pages() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let other = app.org("Other MSP").await;
    let mut expected = vec![org.owner.id];
    for role in [Role::Biller, Role::Viewer, Role::Admin] {
        expected.push(org.member(role).await.id);
    }
    let mut found: Vec<leakage_core::id::UserId> = Vec::new();
    let mut path = "/v1/members?limit=2".to_owned();
    loop {
        let (status, page) = send(org.owner.caller.get(&path)).await;
        assert_eq!(status, 200, "{page:#}");
        found.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["user_id"].as_str().unwrap().parse::<leakage_core::id::UserId>().unwrap()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/members?limit=2&cursor={cursor}");
    }
    assert_eq!(found, expected);
    assert_eq!(send(other.owner.caller.get("/v1/members")).await.1["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn another_organizations_members_do_not_exist() {
    let app = TestApp::start().await;
    let (org, other) = (app.org("Example MSP").await, app.org("Other MSP").await);
    let path = format!("/v1/members/{}", org.owner.id);
    let caller = &other.owner.caller;
    assert_problem(&send(caller.get(&path)).await, 404, "not_found");
    assert_problem(&send(caller.delete(&path)).await, 404, "not_found");
    let change = caller.patch(&path).header("If-Match", "\"v1\"").json(&json!({"role": "viewer"}));
    assert_problem(&send(change).await, 404, "not_found");
}

#[tokio::test]
async fn roles_below_admin_manage_nobody() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let target = org.member(Role::Viewer).await;
    for role in [Role::Viewer, Role::AccountManager, Role::Biller] {
        let member = org.member(role).await;
        assert_eq!(send(member.caller.get("/v1/members")).await.0, 200, "{role:?}");
        assert_problem(&set_role(&member.caller, &target, "admin").await, 403, "insufficient_role");
        assert_problem(&remove(&member.caller, &target).await, 403, "insufficient_role");
        assert_problem(&send(member.caller.get("/v1/invitations")).await, 403, "insufficient_role");
        assert_problem(&send(member.caller.get("/v1/api-keys")).await, 403, "insufficient_role");
    }
}

#[tokio::test]
async fn admins_manage_everyone_but_owners() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let admin = org.member(Role::Admin).await;
    let viewer = org.member(Role::Viewer).await;
    let (status, changed) = set_role(&admin.caller, &viewer, "biller").await;
    assert_eq!((status, &changed["role"]), (200, &json!("biller")));
    assert_problem(&set_role(&admin.caller, &viewer, "owner").await, 403, "insufficient_role");
    assert_problem(&set_role(&admin.caller, &org.owner, "viewer").await, 403, "insufficient_role");
    assert_problem(&remove(&admin.caller, &org.owner).await, 403, "insufficient_role");
    assert_eq!(remove(&admin.caller, &viewer).await.0, 204);
    assert_eq!(set_role(&org.owner.caller, &admin, "owner").await.0, 200);
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let member = org.member(Role::Viewer).await;
    let path = format!("/v1/members/{}", member.id);
    let read = etag(&org.owner.caller, &member).await;
    let change = || org.owner.caller.patch(&path).json(&json!({"role": "biller"}));
    assert_problem(&send(change()).await, 428, "precondition_required");
    assert_eq!(send(change().header("If-Match", &read)).await.0, 200);
    assert_problem(&send(change().header("If-Match", &read)).await, 412, "version_mismatch");
}

#[tokio::test]
async fn a_new_role_counts_at_once_for_writes() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let admin = org.member(Role::Admin).await;
    let invite =
        || admin.caller.post("/v1/invitations").json(&json!({"email": new_email(), "role": "viewer"}));
    assert_eq!(send(invite()).await.0, 201);
    assert_eq!(set_role(&org.owner.caller, &admin, "viewer").await.0, 200);
    // Same token, which still says admin.
    assert_problem(&send(invite()).await, 403, "insufficient_role");
    // And upwards, for the demoted one's colleague.
    let viewer = org.member(Role::Viewer).await;
    assert_eq!(set_role(&org.owner.caller, &viewer, "admin").await.0, 200);
    let invite = viewer.caller.post("/v1/invitations").json(&json!({"email": new_email(), "role": "viewer"}));
    assert_eq!(send(invite).await.0, 201);
}

#[tokio::test]
async fn a_removed_member_writes_nothing_and_gets_no_new_token() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let admin = org.member(Role::Admin).await;
    assert_eq!(remove(&org.owner.caller, &admin).await.0, 204);
    assert_problem(&remove(&org.owner.caller, &admin).await, 404, "not_found");
    let invite = admin.caller.post("/v1/invitations").json(&json!({"email": new_email(), "role": "viewer"}));
    assert_problem(&send(invite).await, 401, "unauthenticated");
    // The account and the session are theirs; the organization is not.
    let refresh = json!({"refresh_token": admin.refresh_token});
    let (status, answer) = send(app.post("/v1/sessions/refresh").json(&refresh)).await;
    assert_eq!(status, 200);
    assert_eq!((&answer["current"], &answer["organizations"]), (&Value::Null, &json!([])));
    let nowhere = Person::of(&app, &answer).caller;
    assert_eq!(send(nowhere.get("/v1/me")).await.0, 200);
    assert_problem(&send(nowhere.get("/v1/organization")).await, 403, "insufficient_role");
    assert_problem(
        &send(nowhere.post("/v1/invitations").json(&json!({"email": new_email(), "role": "viewer"}))).await,
        403,
        "insufficient_role",
    );
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = TestApp::start().await;
    let org = app.org("Example MSP").await;
    let caller = &org.owner.caller;
    assert_problem(&set_role(caller, &org.owner, "admin").await, 409, "conflict");
    assert_problem(&remove(caller, &org.owner).await, 409, "conflict");
    let second = org.member(Role::Owner).await;
    assert_eq!(set_role(caller, &org.owner, "admin").await.0, 200);
    assert_problem(&remove(&second.caller, &second).await, 409, "conflict");
}

#[tokio::test]
async fn of_owners_who_demote_or_remove_each_other_at_once_one_stays() {
    let app = TestApp::start().await;
    for round in 0..8 {
        let org = app.org("Example MSP").await;
        let second = org.member(Role::Owner).await;
        let (one, other) = if round % 2 == 0 {
            tokio::join!(
                set_role(&org.owner.caller, &second, "viewer"),
                set_role(&second.caller, &org.owner, "viewer"),
            )
        } else {
            tokio::join!(remove(&org.owner.caller, &second), remove(&second.caller, &org.owner))
        };
        let good = [one.0, other.0].iter().filter(|status| (200..300).contains(*status)).count();
        assert_eq!(good, 1, "{one:#?} {other:#?}");
    }
}
