//! A connection to the server, encrypted or not.

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use crate::target::Target;

/// A connection, whatever carries it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens connections to one server.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    target: Target,
    #[cfg(feature = "tls")]
    tls: Option<tls::Tls>,
}

impl Connector {
    /// Reads the system's certificates if the server is an encrypted one.
    pub(crate) fn new(target: Target) -> io::Result<Self> {
        Ok(Self {
            #[cfg(feature = "tls")]
            tls: target
                .encrypted
                .then(|| tls::Tls::of(&target))
                .transpose()?,
            target,
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((&*self.target.host, self.target.port)).await?;
        stream.set_nodelay(true)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            return Ok(Box::new(tls.wrap(stream).await?));
        }
        Ok(Box::new(stream))
    }
}

#[cfg(feature = "tls")]
mod tls {
    use std::{fmt, io, sync::Arc};

    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::net::TcpStream;
    use tokio_rustls::{TlsConnector, client::TlsStream};

    use crate::target::Target;

    /// Who is trusted, and whose name the server must prove.
    #[derive(Clone)]
    pub(super) struct Tls {
        connector: TlsConnector,
        name: ServerName<'static>,
    }

    impl Tls {
        /// Trusts what the system trusts, or what `SSL_CERT_FILE` names.
        pub(super) fn of(target: &Target) -> io::Result<Self> {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                let problem =
                    "the system has no certificates to trust; name a file of them in SSL_CERT_FILE";
                return Err(io::Error::other(problem));
            }
            // The provider is named, for other crates of a build may bring a second one.
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from(target.host.clone()).map_err(io::Error::other)?;
            Ok(Self {
                connector: TlsConnector::from(Arc::new(config)),
                name,
            })
        }

        pub(super) async fn wrap(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
            self.connector.connect(self.name.clone(), stream).await
        }
    }

    impl fmt::Debug for Tls {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_tuple("Tls").field(&self.name).finish()
        }
    }
}
