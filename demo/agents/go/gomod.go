package main

import (
	"errors"
	"go/version"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// firstComplete: from this version on a go.mod lists the whole build, the indirect modules
// included.
const firstComplete = "go1.17"

// goSum is a line of a go.sum about a module's zip.
type goSum struct{ path, version, h1 string }

// scanGo reads a go.mod with its go.sum, or a go.sum that lies alone.
func scanGo(manifest string, files []file) (*inventory, error) {
	var sums []goSum
	var mod *modfile.File
	for _, f := range files {
		var err error
		if f.path == "go.sum" || strings.HasSuffix(f.path, "/go.sum") {
			sums, err = parseGoSum(f)
		} else {
			mod, err = parseGoMod(f)
		}
		if err != nil {
			return nil, err
		}
	}
	ref := "local:" + manifest
	if mod == nil {
		return newInventory(manifest, ref, sumAlone(manifest, ref, sums)), nil
	}
	b := build{manifest: manifest, mod: mod, h1: make(map[string]string)}
	for _, sum := range sums {
		b.h1[sum.path+" "+sum.version] = sum.h1
	}
	return newInventory(manifest, ref, b.components(ref, sums)), nil
}

func parseGoMod(f file) (*modfile.File, error) {
	mod, err := modfile.Parse(f.path, []byte(f.text), nil)
	var faults modfile.ErrorList
	switch {
	case errors.As(err, &faults) && len(faults) > 0:
		fault := faults[0]
		line := fault.Pos.Line
		// What is left of the fault says what is wrong, without the place a second time.
		fault.Filename, fault.Pos = "", modfile.Position{}
		return nil, &manifestError{f.path, line, fault.Error()}
	case err != nil:
		return nil, &manifestError{f.path, 0, err.Error()}
	case mod.Module == nil:
		return nil, &manifestError{f.path, 0, "no module directive"}
	}
	return mod, nil
}

var goSumLine = regexp.MustCompile(`^(\S+) (v\S+?)(/go\.mod)? (h\d+:[A-Za-z0-9+/]+={0,2})$`)

// parseGoSum returns a go.sum's module zips; its lines about go.mod files are checked only.
func parseGoSum(f file) ([]goSum, error) {
	var sums []goSum
	number := 0
	for line := range strings.SplitSeq(f.text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		found := goSumLine.FindStringSubmatch(line)
		if found == nil {
			reason := "not of the form MODULE VERSION h1:HASH"
			return nil, &manifestError{f.path, number, reason}
		}
		if found[3] == "" {
			sums = append(sums, goSum{path: found[1], version: found[2], h1: found[4]})
		}
	}
	return sums, nil
}

func sumAlone(manifest, ref string, sums []goSum) []component {
	components := []component{local(ref, manifest, nil)}
	for _, sum := range highest(sums) {
		h1 := property{"stellaops:go:h1", sum.h1}
		components = append(components, module(sum.path, sum.version, h1))
	}
	return components
}

// highest is minimal version selection: of the versions in a go.sum the highest is built.
func highest(sums []goSum) []goSum {
	byPath := make(map[string]goSum)
	for _, sum := range sums {
		known, ok := byPath[sum.path]
		if !ok || isHigher(sum.version, known.version) {
			byPath[sum.path] = sum
		}
	}
	return slices.DeleteFunc(slices.Clone(sums), func(s goSum) bool { return byPath[s.path] != s })
}

func isHigher(a, b string) bool {
	if order := semver.Compare(a, b); order != 0 {
		return order > 0
	}
	return semver.Build(a) > semver.Build(b)
}

// build is what a go.mod and its go.sum say together.
type build struct {
	manifest string
	mod      *modfile.File
	// h1 has the hashes of module zips by "PATH VERSION".
	h1 map[string]string
}

func (b build) components(ref string, sums []goSum) []component {
	var all []component
	direct := []string{}
	named := make(map[string]bool)
	for _, required := range b.mod.Require {
		named[required.Mod.Path] = true
		c := b.component(required.Mod.Path, required.Mod.Version)
		all = append(all, c)
		if !required.Indirect {
			direct = append(direct, c.Ref)
		}
	}
	if !b.listsWholeBuild() {
		for _, replace := range b.mod.Replace {
			named[replace.New.Path] = true
		}
		for _, sum := range highest(sums) {
			if !named[sum.path] {
				all = append(all, b.component(sum.path, sum.version))
			}
		}
	}
	return append(all, local(ref, b.mod.Module.Mod.Path, direct))
}

func (b build) listsWholeBuild() bool {
	if b.mod.Go == nil {
		return false
	}
	return version.Compare(version.Lang("go"+b.mod.Go.Version), firstComplete) >= 0
}

// component returns what is built for a module: itself, or what replaces it.
func (b build) component(path, at string) component {
	replace := b.replacement(path, at)
	if replace != nil && replace.New.Version == "" {
		return local("local:"+b.manifest+"#"+replace.New.Path, path, nil)
	}
	used, usedAt := path, at
	if replace != nil {
		used, usedAt = replace.New.Path, replace.New.Version
	}
	var properties []property
	if h1, ok := b.h1[used+" "+usedAt]; ok {
		properties = append(properties, property{"stellaops:go:h1", h1})
	}
	if replace != nil {
		properties = append(properties, property{"stellaops:go:replaces", path + "@" + at})
	}
	return module(used, usedAt, properties...)
}

// replacement prefers a replacement of this very version to one of every version.
func (b build) replacement(path, at string) *modfile.Replace {
	var ofAll *modfile.Replace
	for _, replace := range b.mod.Replace {
		switch {
		case replace.Old.Path != path:
		case replace.Old.Version == at:
			return replace
		case replace.Old.Version == "" && ofAll == nil:
			ofAll = replace
		}
	}
	return ofAll
}
