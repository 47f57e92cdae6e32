//! Stateful stand-ins for the BigCommerce and Brightpearl APIs, for tests and the demo.
//!
//! Both are served over real HTTP, refuse what the platforms refuse, send signed webhooks, and can be spoilt on purpose.
//! The README beside this crate lists the control endpoints. The crate knows nothing of the product that is tested with it.

pub mod bigcommerce;
pub mod brightpearl;
pub mod core;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::core::{ServeSettings, Server, SimClock};

/// What to serve and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the simulated BigCommerce; port 0 takes a free one.
    pub bigcommerce: SocketAddr,
    /// Address of the simulated Brightpearl; port 0 takes a free one.
    pub brightpearl: SocketAddr,
    /// Address of BigCommerce's sign-in, where `/oauth2/token` is; on the API's port if absent.
    pub bigcommerce_login: Option<SocketAddr>,
    /// Address of Brightpearl's sign-in, where `/authorize` and `/token` are; on the API's port if absent.
    pub brightpearl_oauth: Option<SocketAddr>,
    /// Seed of everything random.
    pub seed: u64,
    /// File that shares the clock's offset with other processes.
    pub clock_file: Option<PathBuf>,
    /// Whether the ledgers keep request and response bodies.
    pub bodies: bool,
    /// How long a webhook's receiver may take.
    pub delivery_timeout: Duration,
}

impl Default for Settings {
    /// Free ports on loopback, one for each platform, seed 1, a clock of its own, bodies kept, five seconds for receivers.
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            bigcommerce: free,
            brightpearl: free,
            bigcommerce_login: None,
            brightpearl_oauth: None,
            seed: 1,
            clock_file: None,
            bodies: true,
            delivery_timeout: Duration::from_secs(5),
        }
    }
}

/// Both platforms, running.
#[derive(Debug)]
pub struct Running {
    /// Base URL of the simulated BigCommerce, without a slash at the end.
    pub bigcommerce_url: String,
    /// Base URL of the simulated Brightpearl, without a slash at the end.
    pub brightpearl_url: String,
    /// Base URL of BigCommerce's sign-in; the API's own unless it was given a port.
    pub bigcommerce_login_url: String,
    /// Base URL of Brightpearl's sign-in; the API's own unless it was given a port.
    pub brightpearl_oauth_url: String,
    /// The clock that both share.
    pub clock: SimClock,
    servers: Vec<Server>,
}

impl Running {
    /// Stops both.
    pub async fn stop(self) {
        for server in self.servers {
            server.stop().await;
        }
    }
}

/// Starts both platforms.
///
/// # Errors
/// An address cannot be bound.
pub async fn start(settings: Settings) -> io::Result<Running> {
    let clock = settings.clock_file.map_or_else(SimClock::system, SimClock::with_file);
    let serving = |sign_in| ServeSettings {
        clock: clock.clone(),
        seed: settings.seed,
        bodies: settings.bodies,
        delivery_timeout: settings.delivery_timeout,
        sign_in,
    };
    let bigcommerce = bigcommerce::BigCommerce::new(settings.seed);
    let brightpearl = brightpearl::Brightpearl::new(settings.seed);
    let bigcommerce = core::serve_with(bigcommerce, settings.bigcommerce, serving(settings.bigcommerce_login)).await?;
    let brightpearl = core::serve_with(brightpearl, settings.brightpearl, serving(settings.brightpearl_oauth)).await?;
    Ok(Running {
        bigcommerce_url: bigcommerce.url(),
        brightpearl_url: brightpearl.url(),
        bigcommerce_login_url: bigcommerce.sign_in_url(),
        brightpearl_oauth_url: brightpearl.sign_in_url(),
        clock,
        servers: vec![bigcommerce, brightpearl],
    })
}
