//! Uploading files and running audits, as an integration does it.

use crate::{Org, TestApp, send};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::{Value, json};

impl Org<'_> {
    /// Uploads a file as the raw body, lets the worker read it, and answers the import as it then is.
    /// `query` is what the uploader says of it, such as `client=Contoso`.
    pub async fn import(&self, file_name: &str, content: impl Into<Vec<u8>>, query: &str) -> Value {
        let (status, import) = self.upload(file_name, content, query).await;
        assert!(status == 202 || status == 200, "{status}: {import:#}");
        self.app.work().await;
        self.read(&format!("/v1/imports/{}", import["id"].as_str().unwrap())).await
    }

    /// Uploads a file and answers at once.
    pub async fn upload(&self, file_name: &str, content: impl Into<Vec<u8>>, query: &str) -> (u16, Value) {
        send(
            self.owner
                .caller
                .post(&format!("/v1/imports?{query}"))
                .header(CONTENT_TYPE, "application/octet-stream")
                .header(CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\""))
                .body(content.into()),
        )
        .await
    }

    /// Uploads a file that must be read whole.
    pub async fn import_whole(&self, file_name: &str, content: impl Into<Vec<u8>>, query: &str) -> Value {
        let import = self.import(file_name, content, query).await;
        assert_eq!(import["status"], "completed", "{import:#}");
        import
    }

    /// Runs an audit and answers its document.
    pub async fn audit(&self, request: Value) -> Value {
        let (status, audit) = send(self.owner.caller.post("/v1/audits").json(&request)).await;
        assert_eq!(status, 202, "{audit:#}");
        self.app.work().await;
        let path = format!("/v1/audits/{}", audit["id"].as_str().unwrap());
        let audit = self.read(&path).await;
        assert_eq!(audit["status"], "completed", "{audit:#}");
        self.read(&format!("{path}/document")).await
    }

    /// Reads anything that must be there.
    pub async fn read(&self, path: &str) -> Value {
        let (status, value) = send(self.owner.caller.get(path)).await;
        assert_eq!(status, 200, "{path}: {value:#}");
        value
    }

    /// Confirms that two products are the same.
    pub async fn map_product(&self, source: &str, target: &str) {
        let body = json!({ "side": "product", "source": source, "target": target });
        let (status, mapping) = send(self.owner.caller.post("/v1/mappings").json(&body)).await;
        assert_eq!(status, 201, "{mapping:#}");
    }
}

impl TestApp {
    /// An organization with an entitlements file and a billing file of our own template.
    pub async fn audited_org(&self, entitlements: &str, billing: &str) -> Org<'_> {
        let org = self.org("Example MSP").await;
        org.import_whole("entitlements.csv", entitlements, "").await;
        org.import_whole("billing.csv", billing, "").await;
        org
    }
}
