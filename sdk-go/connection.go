package orchestrator

import (
	"context"
	"crypto/tls"
	"net/url"
	"os"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

const (
	urlVariable   = "ORCH_URL"
	defaultURL    = "http://127.0.0.1:7400"
	defaultTenant = "default"
	tenantHeader  = "orch-tenant"
)

// endpoint is where to connect and as whom.
type endpoint struct {
	url     string
	tenant  string
	headers map[string]string
	tls     *tls.Config
}

func defaultEndpoint() endpoint {
	address := os.Getenv(urlVariable)
	if address == "" {
		address = defaultURL
	}
	return endpoint{url: address, tenant: defaultTenant}
}

// target returns what grpc dials, and how it secures the connection.
func (e endpoint) target() (string, credentials.TransportCredentials, error) {
	parsed, err := url.Parse(e.url)
	if err != nil || parsed.Hostname() == "" {
		return "", nil, newError(CodeInvalidArgument, ReasonURLInvalid,
			"%q is not an http or https address", e.url).with("url", e.url).because(err)
	}
	switch parsed.Scheme {
	case "http":
		return hostAndPort(parsed, "80"), insecure.NewCredentials(), nil
	case "https":
		return hostAndPort(parsed, "443"), credentials.NewTLS(e.tls), nil
	}
	return "", nil, newError(CodeInvalidArgument, ReasonURLInvalid,
		"%q is not an http or https address", e.url).with("url", e.url)
}

func hostAndPort(parsed *url.URL, port string) string {
	if parsed.Port() == "" {
		return parsed.Host + ":" + port
	}
	return parsed.Host
}

// withHeaders adds the headers that go with every call.
func (e endpoint) withHeaders(ctx context.Context) context.Context {
	pairs := make([]string, 0, 2+2*len(e.headers))
	for name, value := range e.headers {
		pairs = append(pairs, strings.ToLower(name), value)
	}
	return metadata.AppendToOutgoingContext(ctx, append(pairs, tenantHeader, e.tenant)...)
}

// dial makes a connection that is opened by its first call. A session has in-band pings of its
// own, which proxies do not swallow; other connections ping while a call is open.
func (e endpoint) dial(extra ...grpc.DialOption) (*grpc.ClientConn, error) {
	target, secured, err := e.target()
	if err != nil {
		return nil, err
	}
	// A receive window that takes a whole message: a large offer does not wait for updates.
	window := int32(contractPolicy.MaxMessageBytes)
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithUserAgent(sdkName),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
		grpc.WithInitialWindowSize(window),
		grpc.WithInitialConnWindowSize(window),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4 * contractPolicy.MaxMessageBytes)),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, request, reply any,
			conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
			return invoke(e.withHeaders(ctx), method, request, reply, conn, options...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc,
			conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption,
		) (grpc.ClientStream, error) {
			return open(e.withHeaders(ctx), desc, conn, method, options...)
		}),
	}
	conn, err := grpc.NewClient("passthrough:///"+target, append(options, extra...)...)
	if err != nil {
		return nil, newError(CodeInvalidArgument, ReasonURLInvalid, "%v", err).because(err)
	}
	return conn, nil
}

// connection is a client's connection, replaced by a new one when it cannot be made.
//
// grpc-go would go on dialling by itself, at a pace of its own that grows to minutes, and fail
// calls at once meanwhile. Here the calls' own retries set the pace: each try dials anew.
type connection struct {
	endpoint endpoint

	mu     sync.Mutex
	conn   *grpc.ClientConn
	closed bool
}

func newConnection(e endpoint) (*connection, error) {
	c := &connection{endpoint: e}
	var err error
	c.conn, err = c.dial()
	return c, err
}

func (c *connection) dial() (*grpc.ClientConn, error) {
	return c.endpoint.dial(grpc.WithKeepaliveParams(keepalive.ClientParameters{
		Time:    contractPolicy.RenewInterval,
		Timeout: contractPolicy.RenewInterval,
	}))
}

// ready returns a connection that is open or can be opened right now.
func (c *connection) ready() (*grpc.ClientConn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, newError(CodeFailedPrecondition, ReasonClientClosed, "the client is closed")
	}
	if c.conn.GetState() != connectivity.TransientFailure {
		return c.conn, nil
	}
	fresh, err := c.dial()
	if err != nil {
		return nil, err
	}
	_ = c.conn.Close() // It has no calls: none survives a transient failure.
	c.conn = fresh
	return fresh, nil
}

// Invoke makes the connection a [grpc.ClientConnInterface].
func (c *connection) Invoke(
	ctx context.Context, method string, request, reply any, options ...grpc.CallOption,
) error {
	conn, err := c.ready()
	if err != nil {
		return err
	}
	return replaced(conn.Invoke(ctx, method, request, reply, options...))
}

// NewStream makes the connection a [grpc.ClientConnInterface].
func (c *connection) NewStream(
	ctx context.Context, desc *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	conn, err := c.ready()
	if err != nil {
		return nil, err
	}
	stream, err := conn.NewStream(ctx, desc, method, options...)
	return stream, replaced(err)
}

// replaced says of a call that lost its connection to a newer one that it can be repeated.
func replaced(err error) error {
	if status.Code(err) == codes.Canceled && strings.Contains(err.Error(), "closing") {
		return newError(CodeUnavailable, ReasonConnectionFailed, "the connection was replaced").
			because(err)
	}
	return err
}

func (c *connection) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.conn.Close()
}

func (c *connection) jobs() pb.JobServiceClient { return pb.NewJobServiceClient(c) }

func (c *connection) runs() pb.RunServiceClient { return pb.NewRunServiceClient(c) }

func (c *connection) pipelines() pb.PipelineServiceClient { return pb.NewPipelineServiceClient(c) }

func (c *connection) watermarks() pb.WatermarkServiceClient {
	return pb.NewWatermarkServiceClient(c)
}

func (c *connection) backfills() pb.BackfillServiceClient { return pb.NewBackfillServiceClient(c) }

func (c *connection) artifacts() pb.ArtifactServiceClient { return pb.NewArtifactServiceClient(c) }

func (c *connection) taskRunner() pb.TaskRunnerServiceClient {
	return pb.NewTaskRunnerServiceClient(c)
}
