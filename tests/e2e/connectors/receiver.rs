//! A receiver of webhooks that remembers what it got, byte by byte.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wait::until;

/// One post: its path, its headers by lower-case name, and the bytes of its body.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) path: String,
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Post {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// Listens on a free port and answers 200, or first the statuses that it was given.
#[derive(Clone)]
pub(super) struct Receiver {
    pub(super) url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let receiver = Self { url: format!("http://{}", listener.local_addr().unwrap()), posts: Arc::default(), answers: Arc::default() };
        let shared = receiver.clone();
        tokio::spawn(async move {
            while let Ok((socket, _peer)) = listener.accept().await {
                tokio::spawn(serve(shared.clone(), socket));
            }
        });
        receiver
    }

    /// Answers the next posts with these statuses.
    pub(super) fn answer(&self, statuses: &[u16]) {
        *self.answers.lock().unwrap() = statuses.iter().rev().copied().collect();
    }

    /// Waits for so many posts and gives all there are.
    pub(super) async fn wait(&self, count: usize) -> Vec<Post> {
        until("the webhooks", Duration::from_secs(20), || async {
            let posts = self.posts.lock().unwrap();
            (posts.len() >= count).then(|| posts.clone())
        })
        .await
    }
}

async fn serve(receiver: Receiver, mut socket: TcpStream) {
    let Some(post) = read(&mut socket).await else { return };
    let status = {
        receiver.posts.lock().unwrap().push(post);
        receiver.answers.lock().unwrap().pop().unwrap_or(200)
    };
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // The sender may have gone.
    let _sent = socket.write_all(answer.as_bytes()).await;
}

async fn read(socket: &mut TcpStream) -> Option<Post> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        let count = socket.read(&mut chunk).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let headers: BTreeMap<String, String> = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        if bytes.len() >= end + 4 + length {
            let path = head.split(' ').nth(1)?.to_owned();
            return Some(Post { path, headers, body: bytes[end + 4..end + 4 + length].to_vec() });
        }
    }
}
