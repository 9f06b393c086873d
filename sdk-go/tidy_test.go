package orchestrator_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// The rules of the house: a file that outgrows them is split, not excused.
const (
	maxFileLines     = 400
	maxFunctionLines = 70
	maxLineColumns   = 100
	tabColumns       = 4
)

func TestTidy(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || strings.Contains(path, filepath.Join("internal", "gen")) ||
			filepath.Ext(path) != ".go" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
		if len(lines) > maxFileLines && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines", path, len(lines))
		}
		for i, line := range lines {
			expanded := strings.ReplaceAll(line, "\t", strings.Repeat(" ", tabColumns))
			if columns := utf8.RuneCountInString(expanded); columns > maxLineColumns {
				t.Errorf("%s:%d has %d columns", path, i+1, columns)
			}
		}
		file, err := parser.ParseFile(files, path, content, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			checkDeclaration(t, files, declaration)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkDeclaration(t *testing.T, files *token.FileSet, declaration ast.Decl) {
	at := func(node ast.Node) token.Position { return files.Position(node.Pos()) }
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		lines := files.Position(d.End()).Line - at(d).Line + 1
		isTest := strings.HasSuffix(at(d).Filename, "_test.go")
		if lines > maxFunctionLines && !isTest {
			t.Errorf("%s: %s has %d lines", at(d), d.Name.Name, lines)
		}
		if d.Name.IsExported() && d.Doc == nil && !isTest {
			t.Errorf("%s: %s has no documentation", at(d), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil {
					t.Errorf("%s: %s has no documentation", at(s), s.Name.Name)
				}
				checkFields(t, files, s)
			case *ast.ValueSpec:
				// A group of names that say it all has its documentation above.
				if s.Names[0].IsExported() && s.Doc == nil && d.Doc == nil {
					t.Errorf("%s: %s has no documentation", at(s), s.Names[0].Name)
				}
			}
		}
	}
}

// checkFields wants documentation above each field, or above the line of fields that it is part of.
func checkFields(t *testing.T, files *token.FileSet, spec *ast.TypeSpec) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok || !spec.Name.IsExported() {
		return
	}
	documented := 0
	for _, field := range structure.Fields.List {
		line := files.Position(field.Pos()).Line
		hasDoc := field.Doc != nil || line == documented+1
		if hasDoc {
			documented = line
		}
		for _, name := range field.Names {
			if name.IsExported() && !hasDoc {
				t.Errorf("%s: %s.%s has no documentation",
					files.Position(name.Pos()), spec.Name.Name, name.Name)
			}
		}
	}
}
