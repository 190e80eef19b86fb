//! Ports that stay one's own while nobody listens.

use std::net::TcpListener;

use crate::Random;

/// Below those that systems hand out by themselves, so that nobody's connection takes one in the meantime.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A port on 127.0.0.1 at which nobody listens.
pub(crate) fn free() -> u16 {
    let mut random = Random::seeded(Random::anew());
    loop {
        let port = PORTS.start + random.below(PORTS.len()) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
