//! A real Chromium, driven over its `DevTools` protocol: JSON on one web socket, and no more of it than the
//! tests of the page need. The libraries for it bring the whole protocol as generated code, minutes of
//! compilation for a dozen commands.

use serde_json::{Value, json};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// How long a browser may take to start, and a page to come to what is awaited.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// What the page said of itself.
    events: Vec<Value>,
    _profile: TempDir,
}

/// The program, where it is installed.
fn program() -> Option<PathBuf> {
    let stated = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
    let mac = PathBuf::from("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome");
    stated.into_iter().chain(found).chain([mac]).find(|path| path.is_file())
}

impl Browser {
    /// Starts it with an empty page. None where no Chromium is installed, which in CI is a failure.
    #[expect(clippy::print_stderr, reason = "whoever runs the tests is told what is left out")]
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            assert!(std::env::var_os("CI").is_none(), "no Chromium is installed; scripts/test installs it");
            eprintln!("skipped: no Chromium is installed");
            return None;
        };
        let profile = tempfile::tempdir().expect("a temporary folder");
        // No sandbox: as root it cannot have one, and it sees our own page only.
        let child = Command::new(program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args([
                "--no-first-run",
                "--disable-background-networking",
                "--disable-extensions",
                "--hide-scrollbars",
            ])
            .args(["--remote-debugging-port=0", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Chromium starts");
        let socket = connect(&profile);
        let mut browser =
            Self { child, socket, session: String::new(), calls: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached =
            browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(str::to_owned).expect("a session");
        for domain in ["Page", "Runtime", "Network", "Log", "DOM"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// One command, and its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut command = json!({"id": id, "method": method});
        command["params"] = params;
        if !self.session.is_empty() {
            command["sessionId"] = self.session.as_str().into();
        }
        self.socket.send(Message::text(command.to_string())).expect("the browser listens");
        loop {
            let message = self.socket.read().expect("the browser answers");
            let Message::Text(text) = message else { continue };
            let mut answer: Value = serde_json::from_str(&text).expect("JSON");
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            if answer["method"].is_string() {
                self.events.push(answer);
            }
        }
    }

    /// The value of an expression in the page; promises are awaited.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true});
        let mut answer = self.call("Runtime.evaluate", params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {:#}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Goes to an address, and waits until its page is there.
    pub fn open(&mut self, address: &str) {
        let answer = self.call("Page.navigate", json!({"url": address}));
        assert!(answer["errorText"].is_null(), "{address}: {}", answer["errorText"]);
        self.until(&format!(
            "document.readyState === 'complete' && location.href.startsWith({})",
            json!(address)
        ));
    }

    /// Waits until an expression holds.
    pub fn until(&mut self, condition: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            // A page that is being replaced has no answer yet.
            let holds =
                format!("(() => {{ try {{ return Boolean({condition}); }} catch {{ return false; }} }})()");
            let answer = self.call("Runtime.evaluate", json!({"expression": holds, "returnByValue": true}));
            if answer["result"]["value"] == true {
                return;
            }
            assert!(Instant::now() < end, "the page never came to {condition}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for an element and presses the mouse on it.
    pub fn click(&mut self, selector: &str) {
        let element = format!("document.querySelector({})", json!(selector));
        self.until(&format!("{element} && {element}.getClientRects().length > 0"));
        let place = self.eval(&format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const r = e.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let params =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", params);
        }
    }

    /// Presses a key: `Tab`, `Enter`.
    pub fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            other => panic!("add the key {other}"),
        };
        for kind in ["keyDown", "keyUp"] {
            let params = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }});
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Drops files with these names and texts on the page.
    pub fn drop_files(&mut self, files: &[(&str, &str)]) {
        self.eval(&format!(
            "(() => {{ const data = new DataTransfer(); \
             for (const [name, text] of {}) data.items.add(new File([text], name)); \
             for (const type of ['dragenter', 'dragover', 'drop']) document.getElementById('main') \
             .dispatchEvent(new DragEvent(type, {{dataTransfer: data, bubbles: true, cancelable: true}})); }})()",
            json!(files)
        ));
    }

    /// The text that a person reads in an element.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Makes the window so wide, and light or dark.
    pub fn look(&mut self, width: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// What the page complained about: errors and warnings of scripts and of the browser.
    pub fn complaints(&mut self) -> Vec<String> {
        // One more turn, so that all that was said is here.
        self.eval("1");
        let said = self.events.iter().filter_map(|event| {
            let params = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "warning" => {
                    Some(params["args"].to_string())
                }
                "Log.entryAdded" if params["entry"]["level"] != "info" => Some(params["entry"].to_string()),
                _ => None,
            }
        });
        said.collect()
    }

    /// Requests that left the service at this address.
    pub fn strangers(&self, address: &str) -> Vec<String> {
        let asked = self.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        let urls = asked.filter_map(|event| event["params"]["request"]["url"].as_str());
        let ours = |url: &&str| {
            !url.starts_with(address) && !["data:", "blob:", "about:"].iter().any(|own| url.starts_with(own))
        };
        urls.filter(ours).map(str::to_owned).collect()
    }

    /// What axe finds wrong for people with a screen reader, a keyboard or weak eyes.
    pub fn violations(&mut self) -> Vec<String> {
        self.eval(concat!(include_str!("../page/axe.min.js"), "; 1"));
        let found = self.eval(
            "axe.run(document).then(r => r.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 200)).join(' | ')}`))",
        );
        found.as_array().into_iter().flatten().map(ToString::to_string).collect()
    }

    /// Keeps a picture of the whole page in the folder that `TEST_PICTURES` names, for people to look at.
    pub fn picture(&mut self, name: &str) {
        use base64::Engine as _;
        let Some(folder) = std::env::var_os("TEST_PICTURES") else { return };
        let answer = self.call("Page.captureScreenshot", json!({"captureBeyondViewport": true}));
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap_or_default());
        let path = PathBuf::from(folder).join(format!("{name}.png"));
        std::fs::write(path, bytes.expect("a picture")).expect("the folder can be written");
    }
}

/// Connects once the browser has said where it listens.
fn connect(profile: &TempDir) -> WebSocket<TcpStream> {
    let (file, end) = (profile.path().join("DevToolsActivePort"), Instant::now() + PATIENCE);
    loop {
        let said = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, path)) = said.trim().split_once('\n') {
            let stream =
                TcpStream::connect(("127.0.0.1", port.parse().expect("a port"))).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
            let (socket, _) =
                tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).expect("a web socket");
            return socket;
        }
        assert!(Instant::now() < end, "Chromium did not start");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let close = json!({"id": self.calls + 1, "method": "Browser.close"});
        let told = self.socket.send(Message::text(close.to_string()));
        if told.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
