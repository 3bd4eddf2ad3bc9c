package model

import (
	"fmt"

	"github.com/statefulsim/statefulsim/sim"
)

// World is where a search begins: the manifests of a user, applied and come to rest,
// or whatever a function builds.
type World struct {
	// Name is for reports; empty means "world".
	Name string
	// Config makes the configuration of a cluster; nil means the zero one with
	// Provision. Its Seed, History, Causes and NoEvents are overwritten.
	Config func() sim.Config
	// Manifests and Files are applied, in this order, when the cluster is new, and
	// again by the command apply.
	Manifests []string
	Files     []string
	// Build, if it is not nil, is called instead, with that configuration; the
	// Manifests and Files are for the command apply alone then. It must build the same
	// cluster each time.
	Build func(sim.Config) (*sim.Cluster, error)
	// Early says that the search begins when the manifests are applied, not when the
	// cluster has come to rest after that.
	Early bool
	// Bad are images of which no container ever becomes ready: a set whose template
	// has one cannot be expected to converge.
	Bad []string
}

// New builds the cluster. Kept says whether it keeps its history and what caused what,
// for pictures: what happens is the same.
func (w World) New(seed uint64, kept bool) (*sim.Cluster, error) {
	cfg := sim.Config{Provision: true}
	if w.Config != nil {
		cfg = w.Config()
	}
	cfg.Seed, cfg.NoEvents, cfg.Causes, cfg.History = seed, true, kept, -1
	if kept {
		cfg.History = 0
	}
	if cfg.Limits.Steps == 0 {
		cfg.Limits.Steps = 200_000 // a history has some thousands
	}
	c, err := w.build(cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", w.name(), err)
	}
	if !w.Early {
		if _, err := c.Settle(); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name(), err)
		}
	}
	return c, nil
}

func (w *World) build(cfg sim.Config) (*sim.Cluster, error) {
	if w.Build != nil {
		return w.Build(cfg)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("Config.%w", err)
	}
	c := sim.New(cfg)
	return c, w.Apply(c)
}

// Apply applies the manifests and files, as the command apply does.
func (w *World) Apply(c *sim.Cluster) error {
	if len(w.Manifests) > 0 {
		if _, err := c.Apply(w.Manifests...); err != nil {
			return err
		}
	}
	if len(w.Files) > 0 {
		if _, err := c.ApplyFiles(w.Files...); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) name() string {
	if w.Name == "" {
		return "world"
	}
	return w.Name
}
