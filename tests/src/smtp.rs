//! A mail server that takes what it is sent and keeps it: enough of RFC 5321 for a real client.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// Headers and body, with dots unstuffed.
    pub data: String,
}

/// What the server says to each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// 250.
    Takes,
    /// 451: later.
    Busy,
    /// 550: never.
    Refuses,
}

struct State {
    mood: Mood,
    taken: Vec<Mail>,
    asked: usize,
}

/// The server. Its thread ends with the process.
#[derive(Clone)]
pub struct SmtpServer {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl SmtpServer {
    /// Starts it on a free port of this machine.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { mood: Mood::Takes, taken: Vec::new(), asked: 0 }));
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

    /// What it says from now on.
    pub fn becomes(&self, mood: Mood) {
        self.state.lock().expect("a sound state").mood = mood;
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Mail> {
        self.state.lock().expect("a sound state").taken.clone()
    }

    /// How many messages it was offered.
    pub fn asked(&self) -> usize {
        self.state.lock().expect("a sound state").asked
    }
}

fn talk(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes());
    let mut mail = Mail { from: String::new(), to: Vec::new(), data: String::new() };
    say("220 sink ready")?;
    while let Some(line) = lines.next().transpose()? {
        let command = line.to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" | "HELO" => say("250 sink")?,
            "MAIL" => {
                mail = Mail { from: address(), to: Vec::new(), data: String::new() };
                say("250 ok")?;
            }
            "RCPT" => {
                mail.to.push(address());
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.data.push('\n');
                }
                let answer = {
                    let mut state = state.lock().expect("a sound state");
                    state.asked += 1;
                    if state.mood == Mood::Takes {
                        state.taken.push(mail.clone());
                    }
                    state.mood
                };
                say(match answer {
                    Mood::Takes => "250 taken as 4711",
                    Mood::Busy => "451 try again later",
                    Mood::Refuses => "550 no such person",
                })?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 ok")?,
        }
    }
    Ok(())
}
