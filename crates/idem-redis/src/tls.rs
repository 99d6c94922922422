//! What a connection over TLS needs.

use redis::ConnectionInfo;

/// Makes sure that rustls has a cryptographic provider, without which it panics when it connects.
#[cfg(feature = "tls-rustls")]
pub(crate) fn prepare(info: &ConnectionInfo) {
    let over_tls = matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
    if over_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

#[cfg(not(feature = "tls-rustls"))]
pub(crate) const fn prepare(_: &ConnectionInfo) {}
