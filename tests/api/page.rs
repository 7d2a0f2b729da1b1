//! The page in a real browser: what a newcomer does, sees and reads.

use leakage_core::sample;
use leakage_tests::TestApp;
use leakage_tests::browser::Browser;
use serde_json::Value;

/// The page on a running service; none where there is no browser.
async fn page() -> Option<(TestApp, Browser)> {
    let mut browser = Browser::start()?;
    let app = TestApp::start().await;
    browser.look(1280, "light");
    browser.open(&format!("{}/", app.address));
    Some((app, browser))
}

fn assert_well(browser: &mut Browser, app: &TestApp) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.strangers(&app.address), Vec::<String>::new());
}

fn text(name: &str) -> &'static str {
    sample::file(name).unwrap().text
}

#[tokio::test]
async fn a_newcomer_comes_from_the_page_to_an_explained_gap_in_two_clicks() {
    let Some((app, mut browser)) = page().await else { return };
    browser.click("#sample");
    browser.until("document.querySelectorAll('tr.gap').length === 7");
    assert_eq!(browser.text(".total.under .figure"), "$1,470.97");
    assert_eq!(browser.text(".total.over .figure"), "$864.00");
    browser.click("tr.gap:first-child .opener");
    browser.until("document.querySelector('.explained tfoot')");
    assert_eq!(browser.text(".explained tfoot .number"), "$598.97");
    assert!(browser.text(".explained").contains("vendor-entitlements.csv, line 5"));
    assert!(
        browser
            .text(".explained")
            .contains("(23 days x 3 seats x 22.00) / 31 days = 48.9677419355, rounded 48.97 USD")
    );
    let sum = browser.eval(
        "[...document.querySelectorAll('.calc tbody .number')].reduce((sum, cell) => sum + Math.round(Number(cell.innerText.slice(1)) * 100), 0)",
    );
    assert_eq!(sum, 59897);
    browser.picture("explained");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn dropped_files_are_compared_and_their_numbers_shown() {
    let Some((app, mut browser)) = page().await else { return };
    browser.drop_files(&[
        ("entitlements.csv", "client,product,purchased,from\nContoso,Seat,10,2026-03-01\n"),
        ("billing.csv", "client,product,quantity,unit_price,currency,from,until\nContoso,Seat,8,5.00,USD,2026-03-01,2026-06-01\n"),
        ("notes.txt", "nothing to see\nhere\n"),
    ]);
    browser.until("document.querySelectorAll('tr.gap').length === 1");
    assert_eq!(browser.text(".total.under .figure"), "$30.00");
    assert!(browser.text(".files").contains("notes.txt"));
    assert!(browser.text("#result").contains("March 2026 to May 2026"));
    browser.click("tr.gap .opener");
    browser.until("document.querySelector('.explained tfoot')");
    assert!(browser.text(".explained").contains("billing.csv, line 2"));
    assert_eq!(browser.eval("location.hash"), "");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn what_a_file_does_not_say_is_asked_and_the_answer_is_used() {
    let Some((app, mut browser)) = page().await else { return };
    let additions = "Agreement,Company,Product,Description,Qty,Unit Price,Bill,Effective Date,Cancelled Date\n\
                     Cloud,Contoso,SEAT,Seat,8,5.00,Billable,03/04/2026,\n";
    browser.drop_files(&[
        ("entitlements.csv", "client,product,purchased,from,until\nContoso,Seat,10,2026-03-01,2026-06-01\n"),
        ("additions.csv", additions),
    ]);
    browser.until("document.querySelectorAll('.question').length === 2");
    assert_eq!(browser.violations(), Vec::<String>::new());
    browser.click("input[value=dmy]");
    browser.eval("document.querySelector('.question input:not([type=radio])').value = 'usd'");
    browser.click("form button[type=submit]");
    browser.until("document.querySelectorAll('tr.gap').length === 1");
    assert!(browser.text("#result").contains("April 2026 to May 2026"));
    assert_eq!(browser.text(".total.under .figure"), "$19.33");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn a_confirmed_match_shows_its_gap_and_can_be_taken_back() {
    let Some((app, mut browser)) = page().await else { return };
    browser.click("#sample");
    browser.click("[data-decide=yes]");
    browser.until("document.querySelectorAll('tr.gap').length === 8");
    assert_eq!(browser.text(".total.under .figure"), "$1,870.97");
    // Whoever is given the address sees the same.
    let shared = browser.eval("location.href");
    browser.open("about:blank");
    browser.open(shared.as_str().unwrap());
    browser.until("document.querySelectorAll('tr.gap').length === 8");
    browser.click(".decided button");
    browser.until("document.querySelectorAll('tr.gap').length === 7");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn an_edited_sample_is_audited_again() {
    let Some((app, mut browser)) = page().await else { return };
    browser.click("#sample");
    browser.click("#result summary h2");
    browser.until("document.querySelectorAll('.editor textarea').length === 5");
    browser.eval(
        "(() => { const area = document.querySelectorAll('.editor textarea')[1]; \
         area.value = area.value.replace('Business Premium,24,', 'Business Premium,31,'); })()",
    );
    browser.click("#rerun");
    browser.until("document.querySelector('#result-title').innerText.includes('your changes')");
    browser.until("document.querySelector('.total.under .figure').innerText === '$872.00'");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn the_table_is_sorted_narrowed_and_copied() {
    let Some((app, mut browser)) = page().await else { return };
    browser.call(
        "Browser.grantPermissions",
        serde_json::json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}),
    );
    browser.click("#sample");
    browser.click("[data-sort=client]");
    browser.until("document.querySelector('tr.gap .client').innerText === 'Brightwater Dental'");
    assert_eq!(
        browser.eval("document.querySelector('th[aria-sort]').getAttribute('aria-sort')"),
        "ascending"
    );
    browser.click(".bars li:nth-child(2) button");
    browser.until("document.querySelectorAll('tr.gap').length === 2");
    assert!(browser.text(".filter").contains("Fairhaven Academy"));
    browser.eval("navigator.clipboard.writeText = async (text) => { window.copied = text; }");
    browser.click("#copy");
    browser.until("window.copied");
    let copied = browser.eval("window.copied");
    let lines: Vec<&str> = copied.as_str().unwrap().lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("client,product,direction,kind,seats,seat_months,amount,currency"));
    assert!(lines[1].starts_with("Fairhaven Academy,"));
    // What a spreadsheet would run as a formula is defused; numbers stay numbers.
    let cells = browser.eval(
        "import('/assets/csv.js').then(({gapsCsv}) => gapsCsv([{client: '=1+1', product: '+x', direction: 'under', kind: 'unbilled', \
         seats: '-1', seat_months: '1', amount: {amount: '-2.00', currency: '@USD'}, time_barred: {amount: '0'}, sources: []}]))",
    );
    assert!(cells.as_str().unwrap().contains("'=1+1,'+x,under,unbilled,-1,1,-2.00,'@USD"), "{cells}");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn keys_alone_lead_to_an_explanation() {
    let Some((app, mut browser)) = page().await else { return };
    let press_until = |browser: &mut Browser, condition: &str| {
        for _ in 0..60 {
            browser.press("Tab");
            if browser.eval(condition) == true {
                return;
            }
        }
        panic!("no key leads to {condition}");
    };
    press_until(&mut browser, "document.activeElement.id === 'sample'");
    browser.press("Enter");
    browser.until("document.activeElement.id === 'result-title'");
    press_until(&mut browser, "document.activeElement.matches('.opener')");
    browser.press("Enter");
    browser.until("document.querySelector('.explained tfoot')");
    assert_eq!(browser.eval("document.activeElement.getAttribute('aria-expanded')"), "true");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn it_is_whole_on_a_phone_and_a_desktop_in_light_and_dark() {
    let Some((app, mut browser)) = page().await else { return };
    let mut grounds = Vec::new();
    for width in [360, 768, 1440] {
        for scheme in ["light", "dark"] {
            browser.look(width, scheme);
            browser.open("about:blank");
            browser.open(&format!("{}/", app.address));
            browser.until("document.querySelector('#sample').getClientRects().length > 0");
            assert_eq!(browser.violations(), Vec::<String>::new(), "start, {width} px, {scheme}");
            browser.picture(&format!("start-{width}-{scheme}"));
            browser.click("#sample");
            browser.click("tr.gap:first-child .opener");
            browser.until("document.querySelector('.explained tfoot')");
            let wide = browser.eval("document.documentElement.scrollWidth");
            assert!(wide.as_u64().unwrap() <= u64::from(width), "{wide} px wide at {width} px, {scheme}");
            let cut = browser.eval("document.querySelector('.gaps').getBoundingClientRect().right > document.querySelector('.gaps').parentElement.getBoundingClientRect().right + 1");
            assert_eq!(cut, false, "the table is cut at {width} px");
            assert_eq!(browser.violations(), Vec::<String>::new(), "{width} px, {scheme}");
            browser.picture(&format!("result-{width}-{scheme}"));
            grounds.push(browser.eval("getComputedStyle(document.body).backgroundColor"));
        }
    }
    assert_ne!(grounds[0], grounds[1]);
    browser.call("Emulation.setEmulatedMedia", serde_json::json!({"media": "print"}));
    let shown = browser.eval(
        "[...document.querySelectorAll('.tools, .actions')].filter(e => e.getClientRects().length).length",
    );
    assert_eq!(shown, 0, "buttons are printed");
    browser.picture("print");
    assert_well(&mut browser, &app);
}

#[tokio::test]
async fn a_refusal_is_told_and_leaves_a_way_on() {
    let Some((app, mut browser)) = page().await else { return };
    let places = u32::try_from(app.app.visits.places.available_permits()).unwrap();
    let taken = app.app.visits.places.clone().acquire_many_owned(places).await.unwrap();
    browser.drop_files(&[("billing.csv", text("psa-billing.csv"))]);
    browser.until("document.querySelector('#problem .problem')");
    assert!(browser.text("#problem").contains("Others are trying it out right now"));
    assert_eq!(browser.violations(), Vec::<String>::new());
    drop(taken);
    browser.click("#problem button");
    browser.until("document.querySelector('#coverage-title')");
    assert!(browser.text("#coverage-title").contains("0 of 12 clients compared"));
    let complaints = browser.complaints();
    // The browser itself notes the 503.
    assert!(complaints.iter().all(|said| said.contains("503")), "{complaints:?}");
}

#[tokio::test]
async fn the_page_is_light_and_strict() {
    let app = TestApp::start().await;
    let html = app.get("/").send().await.unwrap();
    assert_eq!(
        html.headers()["content-security-policy"],
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    );
    let tag = html.headers()["etag"].clone();
    let html = html.text().await.unwrap();
    let mut names: Vec<String> =
        html.split("/assets/").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect();
    let (mut seen, mut compressed) = (Vec::new(), html.len());
    while let Some(name) = names.pop() {
        if seen.contains(&name) {
            continue;
        }
        let request = app.get(&format!("/assets/{name}")).header("Accept-Encoding", "gzip");
        let body = request.send().await.unwrap().error_for_status().unwrap().bytes().await.unwrap();
        compressed += body.len();
        let plain = app.get(&format!("/assets/{name}")).send().await.unwrap().text().await.unwrap();
        names.extend(
            plain.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned),
        );
        seen.push(name);
    }
    assert!(seen.len() > 10, "{seen:?}");
    assert!(compressed < 150_000, "{compressed} bytes");
    assert!(!html.contains("style=") && !html.contains("http:") && !html.contains("https:"));
    let again = app.get("/").header("If-None-Match", tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
    let answer: Value = app.get("/v1/sample-audit").send().await.unwrap().json().await.unwrap();
    assert!(answer["audit"]["gaps"].is_array());
}
