//! Listening where only this machine can reach, and calling what listens there.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONNECTION;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Sleep, sleep};
use url::Url;

use crate::{OpenError, host};

/// How long a client may take to send the headers of a request, and then its body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections can wait to be accepted. The operating system drops further ones, and their clients try again only after a
/// second, then after two, and so on.
const BACKLOG: u32 = 4_096;
/// The pause after a connection could not be accepted, such as for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A bound port of 127.0.0.1 that serves nothing yet, so that its address can go into the configuration of
/// what will be served there.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    url: Url,
}

impl Loopback {
    /// Takes `port`, or any free port when it is 0.
    pub async fn bind(port: u16) -> io::Result<Self> {
        Self::listen(TcpListener::from_std(Self::take(port)?)?)
    }

    /// Takes `port`, or any free port when it is 0, for [`listen`](Self::listen) in another runtime. It is called in a runtime too.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn take(port: u16) -> io::Result<std::net::TcpListener> {
        let socket = TcpSocket::new_v4()?;
        // On Windows, this would let another program take the same port.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(BACKLOG)?.into_std()
    }

    /// Takes a port that is already bound, in the runtime of the caller.
    ///
    /// # Errors
    /// When the port does not belong to 127.0.0.1, or the operating system refuses.
    pub fn listen(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        if address.ip() != Ipv4Addr::LOCALHOST {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the port is not one of 127.0.0.1"));
        }
        let url = format!("http://{address}/");
        let url = url.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(Self { listener, url })
    }

    /// Where it listens, such as `http://127.0.0.1:12111/`.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Serves `router` until the returned value is dropped. Requests for another host than this machine are refused, and
    /// requests that are not complete after ten seconds.
    pub fn serve(self, router: Router) -> Running {
        self.serve_within(router, REQUEST_TIMEOUT)
    }

    /// Serves `router` as [`serve`](Self::serve) does. The headers of a request, and then its body, must be complete within
    /// `timeout`.
    pub fn serve_within(self, router: Router, timeout: Duration) -> Running {
        let Self { listener, url } = self;
        let router =
            router.layer(from_fn_with_state(timeout, limit_body)).layer(from_fn(host::require_local));
        Running { url, task: tokio::spawn(accept(listener, router, timeout)) }
    }
}

/// Serves each connection in a task of its own. Dropping the future closes all connections.
async fn accept(listener: TcpListener, router: Router, timeout: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let router = router.clone().layer(Extension(ConnectInfo(peer)));
                    connections.spawn(serve_connection(stream, router, timeout));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            // Forgets the connections that have ended.
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, timeout: Duration) {
    // Without it, small responses wait for the client's acknowledgment. It is no error if it cannot be set.
    let _ = stream.set_nodelay(true);
    let requests = Arc::new(Requests::default());
    let stream = TimedStream { stream, timeout, requests: requests.clone(), deadline: None };
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        requests.begun.fetch_add(1, Ordering::Relaxed);
        let (requests, response) = (requests.clone(), router.call(request));
        async move {
            let response = response.await;
            requests.ended.fetch_add(1, Ordering::Relaxed);
            response
        }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// How many requests of a connection have complete headers, and how many of them have a response.
#[derive(Default)]
struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Requests {
    fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    fn is_running(&self) -> bool {
        self.begun() != self.ended.load(Ordering::Relaxed)
    }
}

/// A connection that fails when the headers of a request are not complete within a timeout after their first byte.
///
/// Between two requests it may be idle for any time: a client that uses it again must not find it closed.
struct TimedStream {
    stream: TcpStream,
    timeout: Duration,
    requests: Arc<Requests>,
    /// When the headers must be complete, and the number of requests before them.
    deadline: Option<(Pin<Box<Sleep>>, u64)>,
}

impl AsyncRead for TimedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, begun) = (buffer.filled().len(), self.requests.begun());
        let this = &mut *self;
        // The headers that it was for are complete.
        this.deadline.take_if(|(_, number)| *number != begun);
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            let is_first = this.deadline.is_none() && !this.requests.is_running();
            if is_first && buffer.filled().len() > before {
                this.deadline = Some((Box::pin(sleep(this.timeout)), begun));
            }
            return Poll::Ready(read);
        }
        let Some((deadline, _)) = &mut this.deadline else { return Poll::Pending };
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Ends a request whose body is not complete within the timeout, with status 408.
async fn limit_body(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let is_late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| {
        Body::new(TimedBody { body, deadline: Box::pin(sleep(timeout)), is_late: is_late.clone() })
    });
    let response = next.run(request).await;
    if !is_late.load(Ordering::Relaxed) {
        return response;
    }
    let text = "The body of the request was not sent in time.\n";
    (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")], text).into_response()
}

/// A body that fails when its deadline passes before it is complete.
struct TimedBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
    is_late: Arc<AtomicBool>,
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.deadline.as_mut().poll(context));
        self.is_late.store(true, Ordering::Relaxed);
        Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A served router. Dropping it closes the port and its connections.
#[derive(Debug)]
pub struct Running {
    url: Url,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client for what listens on this machine: it trusts no certificate authority, asks no proxy, and leaves
/// redirects to whoever calls.
///
/// # Errors
/// When the cryptographic library refuses.
pub fn loopback_client() -> Result<reqwest::ClientBuilder, OpenError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Cryptography(error.to_string()))?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
    Ok(builder.redirect(reqwest::redirect::Policy::none()))
}
