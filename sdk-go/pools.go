package orchestrator

import (
	"fmt"
	"maps"
	"slices"

	pb "stellaops.org/orchestrator/sdk-go/internal/gen/orchestratorv1"
)

// Pool is a set of slots for some job types of some queues.
type Pool struct {
	// Name is unique in the worker.
	Name string
	// JobTypes are the types that it takes; each needs a handler.
	JobTypes []string
	// Queues are the queues that it takes from; "default" if empty.
	Queues []string
	// Concurrency is how many jobs it runs at once.
	Concurrency int
}

// planPools returns the pools as the session announces them: those that were named, else one
// called "main" with all that has a handler. It refuses what the server could only refuse.
func planPools(config *workerConfig, handlers map[string]Handler) ([]*pb.Pool, error) {
	pools := config.pools
	if len(pools) == 0 {
		pools = []Pool{{
			Name:        "main",
			JobTypes:    slices.Sorted(maps.Keys(handlers)),
			Queues:      config.queues,
			Concurrency: config.concurrency,
		}}
	}
	plans, slots := make([]*pb.Pool, len(pools)), 0
	for i, pool := range pools {
		if err := pool.check(handlers); err != nil {
			return nil, err
		}
		plans[i] = &pb.Pool{
			Name:     pool.Name,
			JobTypes: distinct(pool.JobTypes),
			Queues:   distinct(pool.Queues),
			Slots:    int32(pool.Concurrency),
		}
		slots += pool.Concurrency
	}
	if slots > limits.heldLeases {
		return nil, badPool("a worker can hold %d jobs at most, not %d", limits.heldLeases, slots)
	}
	return plans, nil
}

func (p Pool) check(handlers map[string]Handler) error {
	switch {
	case p.Concurrency < 1:
		return badPool("pool %q: the concurrency must be positive, not %d", p.Name, p.Concurrency)
	case len(p.JobTypes) == 0:
		return badPool("pool %q has no job types: it needs a handler", p.Name)
	case len(p.JobTypes) > limits.poolJobTypes:
		return badPool("pool %q has more than %d job types", p.Name, limits.poolJobTypes)
	}
	for _, jobType := range p.JobTypes {
		if handlers[jobType] == nil {
			return badPool("pool %q: no handler for %q", p.Name, jobType)
		}
	}
	return nil
}

func badPool(format string, args ...any) error {
	return newError(CodeInvalidArgument, "", "%s", fmt.Sprintf(format, args...))
}

func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
