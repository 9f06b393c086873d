package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
)

// inventory is what one scan found: the component list of one manifest. Its fields, their order
// and the order of what they hold are those of the demo's TypeScript scanners, byte for byte.
type inventory struct {
	Ecosystem  string      `json:"ecosystem"`
	Manifest   string      `json:"manifest"`
	Project    string      `json:"project"`
	Components []component `json:"components"`
	Warnings   []string    `json:"warnings"`
}

// component is one package, or one project of the scanned tree.
type component struct {
	// Ref is what edges point to: the purl, or local:MANIFEST#PLACE for what no registry has.
	Ref        string     `json:"ref"`
	Type       string     `json:"type"`
	Group      string     `json:"group,omitempty"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	Purl       string     `json:"purl,omitempty"`
	Use        string     `json:"use"`
	Hashes     []hash     `json:"hashes"`
	Properties []property `json:"properties"`
	// DependsOn is nil where it is not known, and empty where it is nothing.
	DependsOn []string `json:"dependsOn,omitzero"`
}

// hash is a digest of a package. Go has none: h1 is one of a file list, so it is a property.
type hash struct{}

// property is a name with a value, for what CycloneDX has no field for.
type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// module returns the component for a Go module.
func module(path, version string, properties ...property) component {
	group, name := "", path
	if cut := strings.LastIndex(path, "/"); cut > 0 {
		group, name = path[:cut], path[cut+1:]
	}
	purl := purlOf(group, name, version)
	return component{
		Ref: purl, Type: "library", Group: group, Name: name, Version: version, Purl: purl,
		Use: "required", Hashes: []hash{}, Properties: properties,
	}
}

// local returns a component of the scanned tree itself, which no registry has.
func local(ref, name string, dependsOn []string) component {
	return component{
		Ref: ref, Type: "application", Name: name, Use: "required", Hashes: []hash{},
		DependsOn: dependsOn,
	}
}

// newInventory puts components in their one order, each ref once.
func newInventory(manifest, project string, components []component) *inventory {
	byRef := make(map[string]component)
	for _, c := range components {
		if known, ok := byRef[c.Ref]; ok {
			c = unite(known, c)
		}
		byRef[c.Ref] = tidy(c)
	}
	sorted := slices.SortedFunc(maps.Values(byRef), func(a, b component) int {
		return compareText(a.Ref, b.Ref)
	})
	return &inventory{
		Ecosystem: "golang", Manifest: manifest, Project: project, Components: sorted,
		Warnings: []string{},
	}
}

func unite(a, b component) component {
	united := a
	if compareText(a.identity(), b.identity()) > 0 {
		united = b
	}
	united.Properties = slices.Concat(a.Properties, b.Properties)
	if a.DependsOn != nil || b.DependsOn != nil {
		united.DependsOn = append(append([]string{}, a.DependsOn...), b.DependsOn...)
	}
	return united
}

// identity is what one ref has one of, unless a manifest contradicts itself.
func (c component) identity() string {
	optional := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	// A list of texts can always be encoded.
	encoded, _ := encodeJSON([]any{c.Type, optional(c.Group), c.Name, optional(c.Version)})
	return string(encoded)
}

func tidy(c component) component {
	properties := append([]property{}, c.Properties...)
	slices.SortFunc(properties, func(a, b property) int {
		return compareText(a.Name+" "+a.Value, b.Name+" "+b.Value)
	})
	c.Properties = slices.Compact(properties)
	if c.DependsOn != nil {
		// Never nil, which would say that it is not known.
		dependsOn := append([]string{}, c.DependsOn...)
		slices.SortFunc(dependsOn, compareText)
		c.DependsOn = slices.Compact(dependsOn)
	}
	return c
}

// encode returns the component list's bytes; the same manifest makes the same bytes.
func (i *inventory) encode() ([]byte, error) { return encodeJSON(i) }

// encodeJSON encodes as JavaScript does: without escapes for HTML and for U+2028 and U+2029.
func encodeJSON(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	// A pair of backslashes stands for one, and says nothing about the letter after it.
	plain := strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029")
	return []byte(plain.Replace(buffer.String())), nil
}

// compareText compares by UTF-16 code units, as JavaScript does.
func compareText(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// purlOf returns a package URL. Packages that make them encode "+" and "@" in other ways.
func purlOf(namespace, name, version string) string {
	purl := "pkg:golang/"
	if namespace != "" {
		purl += percentEncoded(namespace, ":/") + "/"
	}
	purl += percentEncoded(name, "")
	if version != "" {
		purl += "@" + percentEncoded(version, ":+")
	}
	return purl
}

// percentEncoded is JavaScript's encodeURIComponent, but leaves the bytes in keep alone.
func percentEncoded(text, keep string) string {
	const unreserved = "-_.!~*'()" +
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const hexadecimal = "0123456789ABCDEF"
	var encoded strings.Builder
	for _, b := range []byte(text) {
		if strings.IndexByte(unreserved, b) >= 0 || strings.IndexByte(keep, b) >= 0 {
			encoded.WriteByte(b)
		} else {
			encoded.Write([]byte{'%', hexadecimal[b>>4], hexadecimal[b&15]})
		}
	}
	return encoded.String()
}
