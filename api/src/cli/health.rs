//! `leakage health`: whether the service on this machine is ready, for containers without curl.

use crate::config::Config;
use std::error::Error;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(4);

/// Runs the command: 0 if `GET /readyz` answers 200, 1 if not, with the reason on standard error.
pub fn run() -> ExitCode {
    match ask() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::report(error.as_ref()),
    }
}

fn ask() -> Result<(), Box<dyn Error>> {
    ready(reachable(Config::load()?.bind))
}

/// One that listens on all addresses is asked on this machine's own.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn ready(address: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .map_err(|error| format!("nothing listens on {address}: {error}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    // `HTTP/1.1 200`: the rest does not matter, and may be long.
    let mut head = [0_u8; 12];
    stream.read_exact(&mut head)?;
    if head.ends_with(b" 200") {
        Ok(())
    } else {
        Err(format!("{address}/readyz answers {}", String::from_utf8_lossy(&head)).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answering(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0_u8; 20];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"GET /readyz HTTP/1.1");
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_200_is_ready() {
        ready(answering("HTTP/1.1 200 OK\r\n\r\n")).unwrap();
        let error = ready(answering("HTTP/1.1 503 Service Unavailable\r\n\r\n")).unwrap_err().to_string();
        assert!(error.ends_with("answers HTTP/1.1 503"), "{error}");
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ready(nobody).unwrap_err().to_string().contains("nothing listens"));
    }

    #[test]
    fn one_on_all_addresses_is_asked_on_this_machines_own() {
        assert_eq!(reachable("0.0.0.0:8080".parse().unwrap()).to_string(), "127.0.0.1:8080");
        assert_eq!(reachable("[::]:8080".parse().unwrap()).to_string(), "[::1]:8080");
        assert_eq!(reachable("10.0.0.7:80".parse().unwrap()).to_string(), "10.0.0.7:80");
    }
}
