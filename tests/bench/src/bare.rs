//! What ingest is compared with: the same server with the same settings, whose handler answers 200 and does nothing. It takes the body
//! in, since the server closes a connection whose body nobody read.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};

/// As ingest's own.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Serves until it is told to end.
pub fn serve(listen: SocketAddr, workers: usize) -> anyhow::Result<()> {
    let served = async {
        let app = || {
            App::new()
                .route("/readyz", web::get().to(|| async { HttpResponse::Ok().finish() }))
                .route("/webhooks/bigcommerce/{connection}", web::post().to(|_body: web::Bytes| async { HttpResponse::Ok().finish() }))
        };
        HttpServer::new(app).workers(workers).keep_alive(KEEP_ALIVE).shutdown_timeout(1).bind(listen)?.run().await
    };
    Ok(actix_web::rt::System::new().block_on(served)?)
}
