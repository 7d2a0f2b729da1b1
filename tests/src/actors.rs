//! People and integrations of the tests, made through HTTP as real ones are.

use super::{Caller, TestApp, body, send};
use leakage_api::auth::{Role, Scope};
use leakage_core::id::{OrgId, UserId};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Everyone's password.
pub const PASSWORD: &str = "three green bottles";

static PEOPLE: AtomicU32 = AtomicU32::new(1);

/// An e-mail address that nobody has yet.
pub fn new_email() -> String {
    format!("person{}@example.com", PEOPLE.fetch_add(1, Ordering::Relaxed))
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address; their password is [`PASSWORD`].
    pub email: String,
    /// Sends requests with their access token.
    pub caller: Caller,
    /// Their last refresh token.
    pub refresh_token: String,
}

impl Person {
    /// Of the answer to sign-up (its `session`), sign-in or acceptance.
    #[track_caller]
    pub fn of(app: &TestApp, session: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{session:#}")).to_owned();
        Self {
            id: text(&session["user"]["id"]).parse().unwrap(),
            email: text(&session["user"]["email"]),
            caller: app.caller(text(&session["tokens"]["access_token"])),
            refresh_token: text(&session["tokens"]["refresh_token"]),
        }
    }
}

/// An organization that has signed up.
pub struct Org<'a> {
    pub(crate) app: &'a TestApp,
    /// Its id.
    pub id: OrgId,
    /// Its owner.
    pub owner: Person,
}

impl TestApp {
    /// Signs up an organization with an owner of its own.
    pub async fn org(&self, name: &str) -> Org<'_> {
        let request = json!({
            "organization_name": name, "name": "Olive Owner", "email": new_email(), "password": PASSWORD,
        });
        let (status, answer) = send(self.post("/v1/organizations").json(&request)).await;
        assert_eq!(status, 201, "{answer:#}");
        Org {
            app: self,
            id: answer["organization"]["id"].as_str().unwrap().parse().unwrap(),
            owner: Person::of(self, &answer["session"]),
        }
    }

    /// Signs a person in, for an organization or their first one.
    pub async fn sign_in(&self, email: &str, org: Option<OrgId>) -> Person {
        let mut request = json!({"email": email, "password": PASSWORD});
        if let Some(org) = org {
            request["organization_id"] = json!(org);
        }
        let (status, answer) = send(self.post("/v1/sessions").json(&request)).await;
        assert_eq!(status, 201, "{answer:#}");
        Person::of(self, &answer)
    }
}

impl Org<'_> {
    /// Invites an address and answers the invitation with its token.
    pub async fn invite(&self, email: &str, role: Role) -> Value {
        let request = json!({"email": email, "role": role});
        let (status, answer) = send(self.owner.caller.post("/v1/invitations").json(&request)).await;
        assert_eq!(status, 201, "{answer:#}");
        answer
    }

    /// A new person with this role: invited, accepted, signed in.
    pub async fn member(&self, role: Role) -> Person {
        let invitation = self.invite(&new_email(), role).await;
        let request = json!({"token": invitation["token"], "name": format!("Mem {}", role.as_str()), "password": PASSWORD});
        let (status, answer) = send(self.app.post("/v1/invitations/accept").json(&request)).await;
        assert_eq!(status, 200, "{answer:#}");
        Person::of(self.app, &answer)
    }

    /// An integration with these scopes.
    pub async fn api_key(&self, scopes: &[Scope]) -> Caller {
        let name = format!("Integration {}", PEOPLE.fetch_add(1, Ordering::Relaxed));
        let request = json!({"name": name, "scopes": scopes});
        let response = self.owner.caller.post("/v1/api-keys").json(&request).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let answer = body(response).await;
        self.app.caller(answer["key"].as_str().unwrap())
    }
}
