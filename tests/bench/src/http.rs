//! Just enough HTTP/1.1 to ask and to load: one kept connection, bodies with a length, no library in between.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BUFFER: usize = 4096;
/// Longer heads are nobody's whom we ask.
const HEAD_MAX: usize = 64 * 1024;

/// One connection that is kept open.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// Where the parts of an answer are in the buffer.
struct Head {
    status: u16,
    bytes: usize,
    body: usize,
    closes: bool,
}

impl Connection {
    /// Opens one.
    pub async fn open(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; BUFFER], filled: 0 })
    }

    /// Sends a whole request and gives the status and the body, which is valid until the next request.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.filled = 0;
        self.stream.write_all(request).await?;
        let head = loop {
            self.fill().await?;
            if let Some(head) = head(self.buffer.get(..self.filled).unwrap_or_default())? {
                break head;
            }
            if self.filled > HEAD_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer's head does not end"));
            }
        };
        while self.filled < head.bytes + head.body {
            self.fill().await?;
        }
        if head.closes {
            // Found out by the next request otherwise, which would then have to be asked again.
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server closes the connection"));
        }
        Ok((head.status, self.buffer.get(head.bytes..head.bytes + head.body).unwrap_or_default()))
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default()).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.filled += read;
        Ok(())
    }
}

/// Reads an answer's head; none if it has not come whole.
fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let bad = |why: &'static str| io::Error::new(io::ErrorKind::InvalidData, why);
    let text = std::str::from_utf8(bytes.get(..end).unwrap_or_default()).map_err(|_cause| bad("the answer's head is no text"))?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let mut head = Head { status: status.ok_or_else(|| bad("the answer has no status"))?, bytes: end + 4, body: 0, closes: false };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            head.body = value.trim().parse().map_err(|_cause| bad("the answer's length is no number"))?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(bad("the answer comes in chunks"));
        } else if name.eq_ignore_ascii_case("connection") {
            head.closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        assert!(head(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n").unwrap().is_none());
        let whole = head(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nretry-after: 1\r\n\r\nhello").unwrap().unwrap();
        assert_eq!((whole.status, whole.body, whole.closes), (503, 5, false));
        assert!(head(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").unwrap().unwrap().closes);
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
