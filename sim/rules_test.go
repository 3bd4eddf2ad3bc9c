package sim_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// span is a range of rules, as in "S15–S19", "K24–26" and "K16 to K22".
var span = regexp.MustCompile(`\b([A-Z])(\d+)(?:–|-| to )([A-Z]?)(\d+)\b`)

// number is a rule by its number, in prose ("S18", "§0.4") or within the name of
// a test ("TestS16S18OneAtATime").
var number = regexp.MustCompile(`§0\.\d+|[ACDKMNQSVW][1-9]\d*`)

// cited returns the rules that a text names. A letter before the number, or one
// after it that is not the beginning of a word, makes it something else
// ("SHA1", "IPv4").
func cited(text string) map[string]bool {
	rules := map[string]bool{}
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2])
		to, _ := strconv.Atoi(m[4])
		for i := from; i <= to && (m[3] == "" || m[3] == m[1]); i++ {
			rules[m[1]+strconv.Itoa(i)] = true
		}
	}
	for _, at := range number.FindAllStringIndex(text, -1) {
		before, after := text[:at[0]], text[at[1]:]
		inName := strings.HasSuffix(before, "Test") || regexp.MustCompile(`Test([ACDKMNQSVW]\d+)+$`).MatchString(before)
		if !inName && regexp.MustCompile(`[\pL\d_.-]$`).MatchString(before) || regexp.MustCompile(`^[a-z_-]`).MatchString(after) {
			continue
		}
		rules[text[at[0]:at[1]]] = true
	}
	return rules
}

// sources is what the module's own files say about rules, by number.
type sources struct {
	docs  map[string]map[string]bool // by package: what its doc.go carries
	code  map[string]bool            // cited by a comment beside a decision
	tests map[string][]string        // the tests that name it
}

// read parses every Go file of the module. sim/conformance is a module of its
// own and is left out: a rule has to be held without Kubernetes' own code.
func read(t *testing.T, root string) sources {
	s := sources{docs: map[string]map[string]bool{}, code: map[string]bool{}, tests: map[string][]string{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (d.Name() == "testdata" || d.Name()[0] == '.' || d.Name() == "conformance"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, _ := filepath.Rel(root, filepath.Dir(path))
		switch {
		case d.Name() == "doc.go":
			s.docs[filepath.ToSlash(dir)] = cited(file.Doc.Text())
		case strings.HasSuffix(path, "_test.go"):
			s.addTests(dir, file)
		default:
			for _, comment := range file.Comments {
				for rule := range cited(comment.Text()) { // a set
					s.code[rule] = true
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	return s
}

// addTests ties a test to the rules in its name and in its doc comment.
func (s *sources) addTests(dir string, file *ast.File) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") {
			continue
		}
		for rule := range cited(f.Name.Name + "\n" + f.Doc.Text()) { // a set
			s.tests[rule] = append(s.tests[rule], dir+"."+f.Name.Name)
		}
	}
}

// rule is a line of RULES.md, and the package that holds the rule, if one does.
var rule = regexp.MustCompile("^- \\*\\*(\\S+)\\*\\* (?:`([a-z/]+)` )?.")

// TestRules: every rule of RULES.md that names a package is carried by the
// doc.go of that package, cited beside the code that decides, and named by a
// test, in its name or in its doc comment. No test names a rule that is not there.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("RULES.md")
	require.NoError(t, err)
	s, known, held := read(t, ".."), map[string]bool{}, 0
	for line := range strings.Lines(string(text)) {
		m := rule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rule, pkg := m[1], m[2]
		if known[rule] || number.FindString(rule) != rule {
			t.Errorf("RULES.md: %q has no new number", line)
		}
		known[rule] = true
		if pkg == "" {
			continue
		}
		held++
		if !s.docs[pkg][rule] {
			t.Errorf("%s: %s/doc.go does not carry it", rule, pkg)
		}
		if !s.code[rule] {
			t.Errorf("%s: no comment in the code cites it", rule)
		}
		if len(s.tests[rule]) == 0 {
			t.Errorf("%s: no test names it", rule)
		}
	}
	require.GreaterOrEqual(t, held, 115, "rules that a package holds: have lines of RULES.md lost their form?")
	for rule, tests := range s.tests { // each on its own
		if !known[rule] {
			t.Errorf("%s: named by %v, but not in RULES.md", rule, tests)
		}
	}
}

// TestRuleNumbers holds what counts as naming a rule.
func TestRuleNumbers(t *testing.T) {
	for text, want := range map[string][]string{ // each on its own
		"S1 and S18, (V2)":     {"S1", "S18", "V2"},
		"S15–S17, K24–26":      {"S15", "S16", "S17", "K24", "K25", "K26"},
		"K16 to K18":           {"K16", "K17", "K18"},
		"TestS16S18OneAtATime": {"S16", "S18"},
		"TestV4V5TheArticles":  {"V4", "V5"},
		"§0.1, not §0.11x":     {"§0.1"},
		"SHA1, IPS4, S1x, K8s": nil,
		"10.0.0.1 and 0.1":     nil,
	} {
		got := cited(text)
		require.Len(t, got, len(want), "%q: %v", text, got)
		for _, rule := range want {
			require.True(t, got[rule], "%q: %s", text, rule)
		}
	}
}
