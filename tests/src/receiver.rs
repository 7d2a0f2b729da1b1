//! A receiver of webhooks that keeps what it is sent: enough of HTTP/1.1 for a real client.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path and query.
    pub path: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

struct State {
    status: String,
    taken: Vec<Received>,
}

/// The receiver. Its thread ends with the process.
#[derive(Clone)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Receiver {
    /// Starts it on a free port of this machine; it takes everything.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { status: "204 No Content".to_owned(), taken: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client that hangs up ends its conversation, nothing else.
                std::thread::spawn(move || talk(&stream, &state).ok());
            }
        });
        Self { address, state }
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// What it answers from now on: status and reason, and further header lines if any.
    pub fn answers(&self, status: &str) {
        status.clone_into(&mut self.state.lock().expect("a sound state").status);
    }

    /// What it was sent.
    pub fn taken(&self) -> Vec<Received> {
        self.state.lock().expect("a sound state").taken.clone()
    }
}

fn talk(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    let status = {
        let mut state = state.lock().expect("a sound state");
        state.taken.push(Received { path, headers, body });
        state.status.clone()
    };
    let text = if status.starts_with("204") { "" } else { "said by the receiver" };
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}", text.len());
    (&*stream).write_all(answer.as_bytes())
}
