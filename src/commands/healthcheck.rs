use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Below the timeout of orchestrators for a health check.
const LIMIT: Duration = Duration::from_secs(3);

/// `outcrop healthcheck`: exit code 0 if the gateway on this machine is alive.
pub(super) async fn run(listen: &str) -> ExitCode {
    let Ok(address) = listen.replacen("localhost:", "127.0.0.1:", 1).parse() else {
        eprintln!("outcrop: `{listen}` is not an address with a port, such as 127.0.0.1:8080");
        return ExitCode::from(super::BAD_CONFIGURATION);
    };
    let address = reachable(address);
    match tokio::time::timeout(LIMIT, is_alive(address)).await {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => failed(address, "/healthz did not return 200"),
        Ok(Err(error)) => failed(address, &error.to_string()),
        Err(_) => failed(address, "no response in time"),
    }
}

/// An address to connect to: loopback if the gateway listens on all addresses.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn is_alive(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(&head == b"HTTP/1.1 200")
}

fn failed(address: SocketAddr, why: &str) -> ExitCode {
    eprintln!("outcrop: the gateway at {address} is not alive: {why}");
    ExitCode::FAILURE
}
