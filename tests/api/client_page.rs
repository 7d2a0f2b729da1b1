//! The page of a client's link in a real browser: what a client reads, and how it answers.
//!
//! The browser is waited for without letting go of the thread, and the service shares its database connections
//! with the test: another thread must go on serving them.

use crate::client_link::{code_in, told, with_mail};
use crate::client_ways::offered;
use chrono::TimeDelta;
use leakage_tests::browser::Browser;
use leakage_tests::{SmtpServer, TestApp, send};
use serde_json::json;

fn address(app: &TestApp, token: &str) -> String {
    format!("{}/c#{token}", app.address)
}

fn opened(app: &TestApp, browser: &mut Browser, token: &str) {
    browser.open("about:blank");
    browser.open(&address(app, token));
    browser.until("document.querySelector('#title') || document.querySelector('#problem h1')");
}

fn set(browser: &mut Browser, selector: &str, value: &str) {
    browser.eval(&format!(
        "(() => {{ const e = document.querySelector({}); e.value = {}; e.dispatchEvent(new Event('input', {{bubbles: true}})); }})()",
        json!(selector),
        json!(value)
    ));
}

fn assert_well(browser: &mut Browser, app: &TestApp) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.strangers(&app.address), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_reads_what_was_found_and_disputes_a_part_with_a_mailed_code() {
    let Some(mut browser) = Browser::start() else { return };
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    browser.look(1280, "light");
    opened(&app, &mut browser, &token);
    assert_eq!(browser.text("#title"), "Example MSP billed $88.00 too little");
    assert!(browser.text(".total.under").contains("$88.00"));
    assert!(browser.text("#page").contains("Please answer by"));
    assert_eq!(browser.text("table.list tfoot .number:last-child"), "$88.00");
    browser.click("details summary");
    assert!(browser.text(".rows").contains("billing.csv"));
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.picture("client-desktop-light");

    browser.click("#do-dispute");
    browser.until("document.activeElement.matches('dialog h2')");
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.click("dialog button[type=submit]");
    browser.until("document.querySelector('.fault').innerText.includes('say why')");
    set(&mut browser, "dialog select", "unauthorized_seats");
    set(&mut browser, "dialog input[type=number]", "3");
    browser.click("dialog button[type=submit]");
    browser.until("document.querySelector('.fault').innerText.includes('from 1 to 2')");
    set(&mut browser, "dialog input[type=number]", "1");
    browser.picture("client-dispute");
    assert_eq!(server.taken().len(), 0, "nothing is mailed before it can be meant");
    browser.click("dialog button[type=submit]");
    browser.until("document.activeElement.matches('.code')");
    assert!(browser.text("dialog").contains("c\u{2022}\u{2022}\u{2022}@contoso.example"));
    assert_eq!(browser.violations(), Vec::<String>::new());

    let code = code_in(&server);
    let wrong: String = code
        .chars()
        .map(|c| {
            if c == '9' {
                '0'
            } else if c.is_ascii_digit() {
                '9'
            } else {
                c
            }
        })
        .collect();
    set(&mut browser, ".code", &wrong);
    browser.click("dialog button[type=submit]");
    browser.until("document.querySelector('.fault').innerText.includes('4 more tries')");
    browser.picture("client-code");
    set(&mut browser, ".code", &code);
    browser.press("Enter");
    browser.until("document.querySelector('.done')");
    assert!(browser.text("#page").contains("You object to $44.00"));
    assert!(browser.text("#objections").contains("What you objected to"));
    assert_eq!(browser.eval("document.querySelectorAll('dialog').length"), 0);
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.picture("client-disputed");
    let correction = case.org.read(&format!("/v1/corrections/{}", case.desk.id)).await;
    assert_eq!(correction["state"], "disputed");
    assert_eq!(correction["disputes"][0]["disputed"]["amount"]["amount"], "44.00");
    assert_eq!(browser.strangers(&app.address), Vec::<String>::new());
    // The browser itself notes the wrong code.
    let complaints = browser.complaints();
    assert!(complaints.iter().all(|said| said.contains("422")), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn it_is_whole_on_a_phone_and_a_desktop_in_light_and_dark() {
    let Some(mut browser) = Browser::start() else { return };
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let owner = case.org.owner.caller.clone();
    case.desk.ok(&owner, "request-waiver", json!({"reason": "x"})).await;
    let (_, token) = case.hand_out(json!({})).await;
    let mut grounds = Vec::new();
    for width in [360, 768, 1440] {
        for scheme in ["light", "dark"] {
            app.clock.advance(TimeDelta::seconds(30));
            browser.look(width, scheme);
            opened(&app, &mut browser, &token);
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{wide} px wide at {width} px, {scheme}");
            assert_eq!(browser.violations(), Vec::<String>::new(), "{width} px, {scheme}");
            browser.picture(&format!("client-{width}-{scheme}"));
            grounds.push(browser.eval("getComputedStyle(document.body).backgroundColor"));
            browser.click("#do-plan");
            browser.until("document.querySelector('dialog[open]')");
            let inside = browser.eval("(() => { const r = document.querySelector('dialog').getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth; })()");
            assert_eq!(inside, true, "the dialog is cut at {width} px");
            assert_eq!(browser.violations(), Vec::<String>::new(), "dialog, {width} px, {scheme}");
            browser.picture(&format!("client-dialog-{width}-{scheme}"));
        }
    }
    assert_ne!(grounds[0], grounds[1]);
    assert_well(&mut browser, &app);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_chooses_among_several_ways_to_pay_on_a_phone() {
    let Some(mut browser) = Browser::start() else { return };
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = offered(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    for (width, scheme) in [(1280, "dark"), (320, "light")] {
        browser.look(width, scheme);
        opened(&app, &mut browser, &token);
        let wide = browser.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64().unwrap() <= u64::from(width), "{wide} px wide at {width} px");
        assert_eq!(browser.violations(), Vec::<String>::new(), "{width} px");
    }
    assert_eq!(browser.text("#plan"), "You can choose among 3 ways to pay");
    assert!(
        browser.text("#way-1").contains("All at once: $88.00 on Dec 1, 2026"),
        "{}",
        browser.text("#way-1")
    );
    assert!(browser.text("#way-2").contains("3 monthly parts of $29.34 at most, the first on Dec 1, 2026"));
    browser.click("#way-2 summary");
    assert!(browser.text("#way-2").contains("$29.33"));
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.picture("client-ways");

    assert_eq!(browser.text("#do-plan"), "Choose how to pay");
    browser.click("#do-plan");
    browser.until("document.activeElement.matches('dialog h2')");
    assert_eq!(browser.violations(), Vec::<String>::new());
    let inside = browser.eval("(() => { const r = document.querySelector('dialog').getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth; })()");
    assert_eq!(inside, true, "the dialog is cut");
    browser.click("dialog button[type=submit]");
    browser.until("document.querySelector('.fault').innerText.includes('choose how you want to pay')");
    assert_eq!(server.taken().len(), 0, "nothing is mailed before it can be meant");
    browser.click("dialog input[value='3']");
    browser.picture("client-ways-dialog");
    browser.click("dialog button[type=submit]");
    browser.until("document.activeElement.matches('.code')");
    set(&mut browser, ".code", &code_in(&server));
    browser.press("Enter");
    browser.until("document.querySelector('.done')");
    assert_eq!(browser.text(".done"), "Agreed. You pay in parts.");
    assert_eq!(browser.text("#plan"), "You pay in parts");
    assert_eq!(browser.eval("document.querySelectorAll('[aria-labelledby=plan] tbody tr').length"), 6);
    assert_eq!(browser.violations(), Vec::<String>::new());
    let correction = case.org.read(&format!("/v1/corrections/{}", case.desk.id)).await;
    assert_eq!(correction["plan"]["instalments"].as_array().unwrap().len(), 6);
    assert_well(&mut browser, &app);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_alone_lead_to_an_answer() {
    let Some(mut browser) = Browser::start() else { return };
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    browser.look(1280, "light");
    opened(&app, &mut browser, &token);
    let tab_to = |browser: &mut Browser, condition: &str| {
        for _ in 0..60 {
            browser.press("Tab");
            if browser.eval(condition) == true {
                return;
            }
        }
        panic!("no key leads to {condition}");
    };
    tab_to(&mut browser, "document.activeElement.id === 'skip'");
    browser.press("Enter");
    browser.until("document.activeElement.id === 'main'");
    assert!(browser.eval("location.hash").as_str().unwrap().contains("lfc_"), "the address keeps the link");
    tab_to(&mut browser, "document.activeElement.id === 'do-accept'");
    browser.press("Enter");
    browser.until("document.activeElement.matches('dialog h2')");
    tab_to(&mut browser, "document.activeElement.matches('dialog button[type=submit]')");
    browser.press("Enter");
    browser.until("document.activeElement.matches('.code')");
    set(&mut browser, ".code", &code_in(&server));
    browser.press("Enter");
    browser.until("document.querySelector('.done')");
    assert!(browser.text("#status").contains("Accepted"));
    assert!(browser.text("#page").contains("Accepted on"));
    assert_well(&mut browser, &app);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_link_that_has_ended_or_is_cut_off_says_what_to_do() {
    let Some(mut browser) = Browser::start() else { return };
    let app = TestApp::start().await;
    let case = told(&app).await;
    let (_, token) = case.hand_out(json!({"days": 1})).await;
    browser.look(390, "light");
    opened(&app, &mut browser, &token);
    assert!(browser.text("#page").contains("Nothing can be confirmed on this page"), "no mail server");
    assert_eq!(browser.violations(), Vec::<String>::new());
    app.clock.advance(TimeDelta::days(1));
    opened(&app, &mut browser, &token);
    assert_eq!(browser.text("#problem h1"), "This link has ended");
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.picture("client-ended");
    opened(&app, &mut browser, &token[..20]);
    assert!(browser.text("#problem").contains("Copy the whole address"));
    opened(&app, &mut browser, "");
    assert!(browser.text("#problem").contains("not complete"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_changed_meanwhile_is_shown_and_asked_again() {
    let Some(mut browser) = Browser::start() else { return };
    let server = SmtpServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let mut case = told(&app).await;
    let (_, token) = case.hand_out(json!({})).await;
    browser.look(1280, "dark");
    opened(&app, &mut browser, &token);
    browser.click("#do-plan");
    browser.click("dialog button[type=submit]");
    browser.until("document.activeElement.matches('.code')");
    let owner = case.org.owner.caller.clone();
    let plan = json!({"count": 4, "cadence": "monthly", "first_on": "2026-12-01"});
    case.desk.ok(&owner, "plan", plan).await;
    set(&mut browser, ".code", &code_in(&server));
    browser.click("dialog button[type=submit]");
    browser.until("document.querySelector('.done')");
    assert!(browser.text("#status").contains("answer again"));
    assert_eq!(browser.text("#plan"), "You can pay in 4 parts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_page_is_strict_and_kept_nowhere() {
    let app = TestApp::start().await;
    let page = app.get("/c").send().await.unwrap();
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert!(header("x-robots-tag").contains("noindex"));
    let html = page.text().await.unwrap();
    assert!(!html.contains("style=") && !html.contains("http:") && !html.contains("https:"));
    // A token in the path is nobody's page: it would stand in logs.
    assert_eq!(send(app.get("/c/lfc_anything")).await.0, 404);
}
