//! Where the server is, as whom to speak to it, and the channel there.

use std::str::FromStr;

use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use crate::contract::LeaseClocks;
use crate::error::{Error, ErrorKind, with_causes};
use crate::proto::v1::artifact_service_client::ArtifactServiceClient;
use crate::proto::v1::backfill_service_client::BackfillServiceClient;
use crate::proto::v1::job_service_client::JobServiceClient;
use crate::proto::v1::pipeline_service_client::PipelineServiceClient;
use crate::proto::v1::run_service_client::RunServiceClient;
use crate::proto::v1::task_runner_service_client::TaskRunnerServiceClient;
use crate::proto::v1::watermark_service_client::WatermarkServiceClient;

const DEFAULT_URL: &str = "http://127.0.0.1:7400";

/// How far beyond the contract's limit an answer may be: a page of jobs is many messages.
const MAX_ANSWER_BYTES: usize = 4 * LeaseClocks::CONTRACT.max_message_bytes;

/// A channel that says who speaks.
pub(crate) type Transport = InterceptedService<Channel, Identity>;

/// The calls of each service.
pub(crate) type Jobs = JobServiceClient<Transport>;
pub(crate) type RunCalls = RunServiceClient<Transport>;
pub(crate) type PipelineCalls = PipelineServiceClient<Transport>;
pub(crate) type WatermarkCalls = WatermarkServiceClient<Transport>;
pub(crate) type BackfillCalls = BackfillServiceClient<Transport>;
pub(crate) type ArtifactCalls = ArtifactServiceClient<Transport>;
pub(crate) type TaskRunner = TaskRunnerServiceClient<Transport>;

/// Where to connect and as whom, before it is checked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub(crate) url: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

/// A checked [`Target`].
#[derive(Debug, Clone)]
pub(crate) struct Address {
    endpoint: Endpoint,
    identity: Identity,
}

/// The headers that go with every call.
#[derive(Debug, Clone)]
pub(crate) struct Identity(Vec<(MetadataKey<Ascii>, MetadataValue<Ascii>)>);

impl Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (name, value) in &self.0 {
            request.metadata_mut().insert(name.clone(), value.clone());
        }
        Ok(request)
    }
}

impl Target {
    /// Fills in the defaults: the environment's `ORCH_URL`, the tenant `default`.
    pub(crate) fn resolve(&self) -> Result<Address, Error> {
        let url = self.url.clone().or_else(|| std::env::var("ORCH_URL").ok());
        let url = url.unwrap_or_else(|| DEFAULT_URL.into());
        let bytes = u32::try_from(LeaseClocks::CONTRACT.max_message_bytes).unwrap_or(u32::MAX);
        let endpoint = Endpoint::from_str(&url)
            .ok()
            .filter(|endpoint| endpoint.uri().scheme_str().is_some_and(is_http))
            .ok_or_else(|| invalid("URL_INVALID", "url", &url))?
            // A window that takes a whole message: a large one does not wait for updates.
            .initial_stream_window_size(bytes)
            .initial_connection_window_size(bytes)
            .connect_timeout(LeaseClocks::CONTRACT.renew_interval);
        let mut identity = Vec::new();
        let tenant = self.tenant.as_deref().unwrap_or("default");
        let headers = self.headers.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in headers.chain([("orch-tenant", tenant)]) {
            let key = MetadataKey::from_str(name);
            let key = key.map_err(|_| invalid("HEADER_INVALID", "header", name))?;
            let value = MetadataValue::from_str(value);
            identity.push((key, value.map_err(|_| invalid("HEADER_INVALID", "header", name))?));
        }
        Ok(Address { endpoint: tls(endpoint)?, identity: Identity(identity) })
    }
}

fn is_http(scheme: &str) -> bool {
    scheme == "http" || (cfg!(feature = "tls") && scheme == "https")
}

#[cfg(feature = "tls")]
fn tls(endpoint: Endpoint) -> Result<Endpoint, Error> {
    if endpoint.uri().scheme_str() != Some("https") {
        return Ok(endpoint);
    }
    let config = tonic::transport::ClientTlsConfig::new().with_native_roots();
    endpoint.tls_config(config).map_err(|cause| {
        Error::new(ErrorKind::FailedPrecondition, "TLS_UNAVAILABLE", "TLS cannot be set up")
            .with_source(cause)
    })
}

#[cfg(not(feature = "tls"))]
fn tls(endpoint: Endpoint) -> Result<Endpoint, Error> {
    Ok(endpoint)
}

fn invalid(reason: &str, name: &str, value: &str) -> Error {
    let message = format!("\"{value}\" is no valid {name}");
    Error::new(ErrorKind::InvalidArgument, reason, message).with_metadata(name, value)
}

/// The clients of a server's services, on one HTTP/2 connection that the first call opens.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    transport: Transport,
}

impl Address {
    /// A connection for calls, kept alive by HTTP/2 pings while one is open so that a dead peer
    /// is noticed.
    pub(crate) fn connection(&self) -> Connection {
        let interval = LeaseClocks::CONTRACT.renew_interval;
        let endpoint = self.endpoint.clone();
        let endpoint = endpoint.http2_keep_alive_interval(interval).keep_alive_timeout(interval);
        Connection {
            transport: InterceptedService::new(endpoint.connect_lazy(), self.identity.clone()),
        }
    }

    /// A connection of its own for a session, dialled now. It needs no HTTP/2 pings: a session
    /// has its own, which proxies do not swallow.
    pub(crate) async fn dial(&self) -> Result<Connection, Error> {
        let channel = self.endpoint.connect().await.map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "CONNECTION_FAILED", with_causes(&cause))
                .with_source(cause)
        })?;
        Ok(Connection { transport: InterceptedService::new(channel, self.identity.clone()) })
    }
}

impl Connection {
    pub(crate) fn jobs(&self) -> Jobs {
        JobServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn runs(&self) -> RunCalls {
        RunServiceClient::new(self.transport.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn pipelines(&self) -> PipelineCalls {
        PipelineServiceClient::new(self.transport.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn watermarks(&self) -> WatermarkCalls {
        WatermarkServiceClient::new(self.transport.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn backfills(&self) -> BackfillCalls {
        BackfillServiceClient::new(self.transport.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn artifacts(&self) -> ArtifactCalls {
        ArtifactServiceClient::new(self.transport.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    pub(crate) fn task_runner(&self) -> TaskRunner {
        TaskRunnerServiceClient::new(self.transport.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for url in ["ftp://host", "host:1", "", "http://"] {
            let target = Target { url: Some(url.into()), ..Target::default() };
            let error = target.resolve().expect_err(url);
            assert_eq!(error.reason(), "URL_INVALID");
        }
    }
}
