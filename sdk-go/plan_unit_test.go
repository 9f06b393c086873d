package orchestrator

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// What Get returns can be put again and is the same then: no version for nothing.
func TestPipelinesCanBePutBack(t *testing.T) {
	pipeline := Pipeline{
		Name: "p", Description: "for people", ETag: "e",
		Parameters: []PipelineParameter{
			{Name: "none"},
			{Name: "null", Kind: ParameterJSON, Default: json.RawMessage("null")},
			{Name: "zero", Kind: ParameterInt, Default: 0},
			{Name: "any", Kind: ParameterJSON, Default: map[string]any{"a": []any{1.5, nil, "<"}}},
		},
		Jobs: []PipelineJob{
			{
				Name: "scan",
				JobRequest: JobRequest{
					Type: "scan.job", Queue: "q", Priority: 3, Project: "p", Source: "s",
					Labels: map[string]string{"k": "${any}"}, ConcurrencyKey: "c",
					CorrelationID: "id", AttemptDeadline: time.Minute,
					Retry: RetryPolicy{MaxAttempts: 2, MaxElapsed: time.Hour},
					Trace: TraceContext{Traceparent: "t", Tracestate: "v=1"},
				},
				PayloadTemplate: map[string]string{"path": "<${none}>"},
			},
			{
				Name: "merge", JobRequest: JobRequest{Type: "merge.job", Payload: []byte("x")},
				DependsOn: []Dependency{
					{Name: "scan", When: WhenCompletion, IncludeFanOut: true},
				},
			},
			{
				Name:       "big",
				JobRequest: JobRequest{Type: "big.job", Payload: ArtifactRef{Digest: "sha256:0"}},
				DependsOn:  []Dependency{{Name: "scan", OnFailure: OnFailureContinue}},
			},
		},
	}
	first, err := pipeline.toMessage()
	if err != nil {
		t.Fatal(err)
	}
	if text := first.GetJobs()[0].GetPayloadTemplate(); !json.Valid([]byte(text)) {
		t.Errorf("the template is %q", text)
	}
	for _, job := range first.GetJobs() {
		if id := job.GetSpec().GetJobId(); id != "" {
			t.Errorf("%s has the id %s", job.GetName(), id)
		}
	}
	// The server fills in what it took for granted, which it would not take back.
	stored := proto.CloneOf(first)
	stored.Jobs[1].DependsOn[0].OnFailure = pb.OnFailure_ON_FAILURE_CANCEL
	got, err := toPipeline(stored)
	if err != nil {
		t.Fatal(err)
	}
	second, err := got.toMessage()
	if err != nil || !proto.Equal(first, second) {
		t.Errorf("put    %v\nputs back %v (%v)", first, second, err)
	}
}

func TestPipelinesRefuseWhatIsNotJSON(t *testing.T) {
	for name, pipeline := range map[string]Pipeline{
		"default":  {Parameters: []PipelineParameter{{Name: "a", Default: make(chan int)}}},
		"raw":      {Parameters: []PipelineParameter{{Name: "a", Default: json.RawMessage("{")}}},
		"number":   {Parameters: []PipelineParameter{{Default: json.RawMessage("1e999")}}},
		"template": {Jobs: []PipelineJob{{Name: "a", PayloadTemplate: func() {}}}},
		"payload":  {Jobs: []PipelineJob{{JobRequest: JobRequest{Payload: func() {}}}}},
	} {
		if _, err := pipeline.toMessage(); err == nil || toError(err).Code != CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTemplatesInheritNothing(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := withLineage(t.Context(), lineage{
		trace: TraceContext{Traceparent: parent}, correlationID: "handler",
	})
	client := &Client{}
	jobs, err := client.toAppendedJobs(ctx, []RunJob{{Name: "a", DependsOn: After("b")}})
	if err != nil {
		t.Fatal(err)
	}
	appended := jobs[0].GetSpec()
	if appended.GetJobId() != "" || appended.GetCorrelationId() != "" ||
		appended.GetTraceparent() != parent || jobs[0].GetDependsOn()[0].GetName() != "b" {
		t.Errorf("appended %v", jobs[0])
	}
	template, err := (&JobRequest{Type: "t"}).toTemplateSpec()
	if err != nil || !proto.Equal(template, &pb.JobSpec{JobType: "t"}) {
		t.Errorf("the template is %v (%v)", template, err)
	}
}

func TestWindows(t *testing.T) {
	window := &EventWindow{
		Scope: "npm", Start: time.Unix(0, 0).UTC(), End: time.Unix(3600, 0).UTC(),
	}
	if got := toWindow(window.toMessage()); *got != *window {
		t.Errorf("%v became %v", window, got)
	}
	var none *EventWindow
	if none.toMessage() != nil || toWindow(nil) != nil || toWindow(&pb.EventWindow{}) != nil {
		t.Error("no window is one")
	}
	request := JobRequest{Type: "t", Source: "s", Window: &EventWindow{Scope: "\xff"}}
	_, err := request.toSpec(t.Context(), nil)
	if e := toError(err); len(e.Violations) != 1 || e.Violations[0].Field != "window.scope" {
		t.Errorf("text that is not UTF-8: %v", err)
	}
}
