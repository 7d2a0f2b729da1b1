//! The documentation in a real browser: guides that can be read, and a reference that can be tried.

use leakage_tests::TestApp;
use leakage_tests::browser::Browser;

#[tokio::test]
async fn an_operation_is_tried_on_the_running_service() {
    let Some(mut browser) = Browser::start() else { return };
    let app = TestApp::start().await;
    browser.look(1280, "light");
    browser.open(&format!("{}/docs/", app.address));
    browser.click("#operations-tag-sample_audit");
    browser.click("#operations-sample_audit-get_sample_audit .opblock-summary-control");
    browser.until("document.querySelector('#operations-sample_audit-get_sample_audit .execute')");
    let groups = browser.eval("document.querySelectorAll('.opblock-tag').length");
    assert!(groups.as_u64().unwrap() > 8, "{groups}");
    browser.click("#operations-sample_audit-get_sample_audit .execute");
    browser.until(
        "document.querySelector('.live-responses-table tbody .response-col_status')?.innerText.includes('200')",
    );
    assert!(browser.text(".live-responses-table").contains("\"proration\": \"daily\""));
    browser.picture("reference");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.strangers(&app.address), Vec::<String>::new());
}

#[tokio::test]
async fn guides_can_be_read_by_everyone() {
    let Some(mut browser) = Browser::start() else { return };
    let app = TestApp::start().await;
    for (width, scheme) in [(360, "dark"), (1280, "light")] {
        browser.look(width, scheme);
        for path in [
            "/docs/guides/first-audit",
            "/docs/guides/importing",
            "/docs/guides/numbers",
            "/docs/errors#rows_refused",
        ] {
            browser.open(&format!("{}{path}", app.address));
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{path} is {wide} px wide");
            assert_eq!(browser.violations(), Vec::<String>::new(), "{path}, {width} px");
            let name = path.rsplit('/').next().unwrap().replace('#', "-");
            browser.picture(&format!("{name}-{width}"));
        }
    }
    browser.open(&format!("{}/docs/guides", app.address));
    assert_eq!(browser.text("h1"), "First audit");
    assert_eq!(app.get("/docs/guides/none").send().await.unwrap().status(), 404);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.strangers(&app.address), Vec::<String>::new());
}
