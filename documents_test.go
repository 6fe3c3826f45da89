package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// text reads a file of the project.
func text(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(body)
}

// table gives the cells of the table below a heading, without its head.
func table(t *testing.T, document, heading string) (rows [][]string) {
	t.Helper()
	_, section, found := strings.Cut(document, "\n## "+heading+"\n")
	require.True(t, found, "no heading %q", heading)
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		rows = append(rows, cells)
	}
	require.NotEmpty(t, rows, heading)
	return rows
}

func TestReadmeListsTheSettings(t *testing.T) {
	var want, got [][2]string // name and default
	fields(&environment{}, func(f reflect.StructField, _ reflect.Value) {
		value := "–"
		if text, ok := f.Tag.Lookup("default"); ok {
			value = "`" + text + "`"
		}
		want = append(want, [2]string{"`" + f.Tag.Get("envconfig") + "`", value})
	})
	readme := text(t, "README.md")
	for _, cells := range table(t, readme, "Settings") {
		require.Len(t, cells, 3)
		got = append(got, [2]string{cells[0], cells[1]})
	}
	require.Equal(t, want, got)
	for _, name := range later {
		require.Regexp(t, "`("+name+"|CONSO_API_…|MYELECTRICALDATA_…)`", readme)
	}
}

func TestReadmeListsTheCommands(t *testing.T) {
	var want, got []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[commands]()) {
		want = append(want, "`enedis2mqtt "+strings.ToLower(f.Name)+"`")
	}
	for _, cells := range table(t, text(t, "README.md"), "Commands") {
		got = append(got, cells[0])
	}
	require.Equal(t, want, got)
}

func TestReadmeNamesTopicsOfTheContract(t *testing.T) {
	var known []string
	for _, cells := range table(t, text(t, "docs/contract.md"), "Topics") {
		known = append(known, cells[0])
	}
	for _, cells := range table(t, text(t, "README.md"), "Topics") {
		require.Contains(t, known, cells[0])
	}
}

// TestDocumentsPointToFilesThatExist follows the relative links.
func TestDocumentsPointToFilesThatExist(t *testing.T) {
	documents, err := filepath.Glob("docs/*/*.md")
	require.NoError(t, err)
	for _, document := range append(documents, "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/benchmarks.md") {
		for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(text(t, document), -1) {
			if !strings.Contains(link[1], "://") {
				_, err := os.Stat(filepath.Join(filepath.Dir(document), link[1]))
				require.NoError(t, err, document)
			}
		}
	}
}

// TestArchitectureNamesWhatExists checks that each package is named, and that each `package.Symbol` and each file is there.
func TestArchitectureNamesWhatExists(t *testing.T) {
	architecture := text(t, "ARCHITECTURE.md")
	symbols := make(map[string]map[string]bool) // by the last element of the package's path
	for dir, names := range packages(t) {
		if dir != "." {
			require.Contains(t, architecture, "`"+dir+"`", "a package that the map lacks")
			symbols[path.Base(dir)] = names
		}
	}
	for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(architecture, -1) {
		if regexp.MustCompile(`^[\w./-]+\.(go|md|sql|yml|tzif)$`).MatchString(code[1]) {
			require.FileExists(t, code[1])
			continue
		}
		symbol := regexp.MustCompile(`^([a-z0-9]+)\.([A-Za-z]\w*(?:\.\w+)?)$`).FindStringSubmatch(code[1])
		if symbol == nil || symbols[symbol[1]] == nil {
			continue // not a symbol, or one of another module
		}
		require.True(t, symbols[symbol[1]][symbol[2]], "%s is nowhere", code[1])
	}
}

// packages gives the symbols of each package, by its folder: as Name, and Type.Method or Type.Field.
func packages(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := make(map[string]map[string]bool)
	require.NoError(t, filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if found[dir] == nil {
			found[dir] = make(map[string]bool)
		}
		for _, declaration := range file.Decls {
			declared(declaration, found[dir])
		}
		return nil
	}))
	return found
}

// declared notes what a declaration names.
func declared(declaration ast.Decl, names map[string]bool) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			name = receiver(d.Recv.List[0].Type) + "." + name
		}
		names[name] = true
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, name := range s.Names {
					names[name.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				members(s, names)
			}
		}
	}
}

// members notes the fields of a struct and the methods of an interface.
func members(s *ast.TypeSpec, names map[string]bool) {
	var list []*ast.Field
	switch of := s.Type.(type) {
	case *ast.StructType:
		list = of.Fields.List
	case *ast.InterfaceType:
		list = of.Methods.List
	}
	for _, member := range list {
		for _, name := range member.Names {
			names[s.Name.Name+"."+name.Name] = true
		}
	}
}

func receiver(of ast.Expr) string {
	if pointer, ok := of.(*ast.StarExpr); ok {
		of = pointer.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	name, _ := of.(*ast.Ident)
	return name.Name
}
