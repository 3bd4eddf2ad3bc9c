package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// expression is a parsed template of JSONPath expressions, in the dialect of
// k8s.io/client-go/util/jsonpath: text and actions in braces, which may open
// and end ranges.
type expression struct {
	root []node
	// strict makes a field that is missing everywhere an error.
	strict bool
}

// node is an action: steps from one set of values to the next. A range is an
// action with a body, which runs for each of its values.
type node struct {
	steps   []step
	isRange bool
	body    []node
	ended   bool // whether the range has its {end}
}

// step leads from values to values.
type step interface {
	from(p *expression, values []any) ([]any, error)
}

type (
	constant  struct{ value any }
	field     string
	wildcard  struct{}
	recursive struct{}
	union     [][]step
	slice     struct{ first, to, step bound }
	filter    struct {
		left, right []step
		operator    string
	}
)

// bound is a number in a slice; derived says that it follows from an index.
type bound struct {
	n              int
	known, derived bool
}

// parsePath reads a template.
func parsePath(text string) (*expression, error) {
	r := &pathReader{input: text}
	body, ended, err := r.block(0)
	if err != nil {
		return nil, err
	}
	if ended {
		return nil, errors.New("not in range, nothing to end")
	}
	return &expression{root: body}, nil
}

// pathReader reads a template from left to right.
type pathReader struct {
	input string
	pos   int
}

// block reads nodes up to the end of the input or the {end} of a range.
func (r *pathReader) block(depth int) (nodes []node, ended bool, err error) {
	if depth > 10 { // each that is not ended doubles what is done
		return nil, false, errors.New("too many ranges within each other")
	}
	for r.pos < len(r.input) {
		open := strings.IndexByte(r.input[r.pos:], '{')
		if open != 0 {
			if open < 0 {
				open = len(r.input) - r.pos
			}
			nodes = append(nodes, node{steps: []step{constant{r.input[r.pos : r.pos+open]}}})
			r.pos += open
			continue
		}
		r.pos++
		steps, word, err := r.action('}')
		switch {
		case err != nil:
			return nil, false, err
		case word == "end":
			return nodes, true, nil
		case word == "range":
			body, ended, err := r.block(depth + 1)
			if err != nil {
				return nil, false, err
			}
			nodes = append(nodes, node{steps, true, body, ended})
		default:
			nodes = append(nodes, node{steps: steps})
		}
	}
	return nodes, false, nil
}

// action reads steps up to a closing delimiter, 0 for the end of the input; word
// is range or end if the action is one.
func (r *pathReader) action(closing byte) (steps []step, word string, err error) {
	for {
		if r.pos >= len(r.input) {
			if closing == 0 {
				return steps, word, nil
			}
			return nil, "", errors.New("unclosed action")
		}
		rest := r.input[r.pos:]
		ch, width := utf8.DecodeRuneInString(rest)
		var next step
		switch {
		case closing != 0 && rest[0] == closing:
			r.pos++
			return steps, word, nil
		case strings.HasPrefix(rest, "[?("):
			next, err = r.filter()
		case strings.HasPrefix(rest, ".."):
			r.pos += 2
			next = recursive{}
			if after, _ := utf8.DecodeRuneInString(r.input[r.pos:]); isWordRune(after) {
				steps = append(steps, next)
				next = r.field()
			}
		case ch == '\n' || ch == '\r':
			return nil, "", errors.New("unclosed action")
		case ch == ' ' || ch == '@' || ch == '$':
			r.pos++
			continue
		case ch == '[':
			var more []step
			more, err = r.index()
			steps = append(steps, more...)
		case ch == '"' || ch == '\'':
			next, err = r.quoted(byte(ch))
		case ch == '.':
			r.pos++
			next = r.field()
		case ch == '+' || ch == '-' || unicode.IsDigit(ch):
			next, err = r.number()
		case isWordRune(ch):
			next, word, err = r.identifier(word)
		default:
			r.pos += width
			return nil, "", fmt.Errorf("unrecognized character in action: %#U", ch)
		}
		if err != nil {
			return nil, "", err
		}
		if next != nil {
			steps = append(steps, next)
		}
	}
}

func isWordRune(ch rune) bool { return ch == '_' || unicode.IsLetter(ch) || unicode.IsDigit(ch) }

// until returns what stands before the next terminator, escaped ones skipped.
func (r *pathReader) until() string {
	start := r.pos
	for r.pos < len(r.input) && !strings.ContainsRune(" \t\r\n.,[]$@{}", rune(r.input[r.pos])) {
		if r.input[r.pos] == '\\' {
			r.pos++
		}
		r.pos = min(r.pos+1, len(r.input))
	}
	return r.input[start:r.pos]
}

func (r *pathReader) field() step {
	name := r.until()
	if name == "*" {
		return wildcard{}
	}
	return field(strings.ReplaceAll(name, `\`, ""))
}

func (r *pathReader) identifier(word string) (step, string, error) {
	switch name := r.until(); name {
	case "true", "false":
		return constant{name == "true"}, word, nil
	case "range", "end":
		return nil, name, nil
	default:
		return nil, "", fmt.Errorf("unrecognized identifier %v", name)
	}
}

func (r *pathReader) number() (step, error) {
	start := r.pos
	for r.pos++; r.pos < len(r.input) && (r.input[r.pos] == '.' || r.input[r.pos] >= '0' && r.input[r.pos] <= '9'); r.pos++ {
	}
	text := r.input[start:r.pos]
	if n, err := strconv.Atoi(text); err == nil {
		return constant{int64(n)}, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("cannot parse number %s", text)
	}
	return constant{x}, nil
}

func (r *pathReader) quoted(quote byte) (step, error) {
	start := r.pos
	for r.pos++; ; r.pos++ {
		if r.pos >= len(r.input) || r.input[r.pos] == '\n' {
			return nil, errors.New("unterminated quoted string")
		}
		if r.input[r.pos] == quote && r.input[r.pos-1] != '\\' {
			break
		}
	}
	r.pos++
	inner := r.input[start+1 : r.pos-1]
	var b strings.Builder
	for inner != "" {
		ch, _, tail, err := strconv.UnquoteChar(inner, quote)
		if err != nil {
			return nil, fmt.Errorf("unquote string %s error %w", r.input[start:r.pos], err)
		}
		b.WriteRune(ch)
		inner = tail
	}
	return constant{b.String()}, nil
}

var (
	keyPattern   = regexp.MustCompile(`^'([^']*)'$`)
	slicePattern = regexp.MustCompile(`^(-?\d*)(:-?\d*)?(:-?\d*)?$`)
)

// index reads what stands in brackets: a slice, a key or several of them.
func (r *pathReader) index() ([]step, error) {
	end := strings.IndexAny(r.input[r.pos:], "]\n")
	if end < 0 || r.input[r.pos+end] == '\n' {
		return nil, errors.New("unterminated array")
	}
	text := r.input[r.pos+1 : r.pos+end]
	r.pos += end + 1
	if text == "*" {
		text = ":"
	}
	if parts := strings.Split(text, ","); len(parts) > 1 {
		var u union
		for _, part := range parts {
			steps, _, err := (&pathReader{input: "[" + strings.Trim(part, " ") + "]"}).action(0)
			if err != nil {
				return nil, err
			}
			u = append(u, steps)
		}
		return []step{u}, nil
	}
	if key := keyPattern.FindStringSubmatch(text); key != nil {
		steps, _, err := (&pathReader{input: "." + key[1]}).action(0)
		return steps, err
	}
	m := slicePattern.FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("invalid array index %s", text)
	}
	var bounds [3]bound
	for i, part := range m[1:] {
		digits := strings.TrimPrefix(part, ":")
		switch {
		case part == "" && i == 1:
			bounds[1] = bound{bounds[0].n + 1, true, true}
		case digits != "":
			n, err := strconv.Atoi(digits)
			if err != nil {
				return nil, fmt.Errorf("array index %s is not a number", digits)
			}
			bounds[i] = bound{n: n, known: true}
		}
	}
	return []step{slice{bounds[0], bounds[1], bounds[2]}}, nil
}

var comparison = regexp.MustCompile(`^([^!<>=]+)([!<>=]+)(.+?)$`)

// filter reads [?(LEFT OPERATOR RIGHT)] or [?(PATH)].
func (r *pathReader) filter() (step, error) {
	r.pos += len("[?(")
	start := r.pos
	var quote byte
	closed := false
	for ; ; r.pos++ {
		if r.pos >= len(r.input) || r.input[r.pos] == '\n' {
			return nil, errors.New("unterminated filter")
		}
		ch := r.input[r.pos]
		if (ch == '"' || ch == '\'') && quote == 0 {
			quote = ch
		} else if ch == quote && r.input[r.pos-1] != '\\' {
			closed = true
		}
		if ch == ')' && (quote != 0) == closed {
			break
		}
	}
	text := r.input[start:r.pos]
	if !strings.HasPrefix(r.input[r.pos:], ")]") {
		return nil, errors.New("unclosed array expect ]")
	}
	r.pos += 2
	f := filter{operator: "exists"}
	left, right := text, ""
	if m := comparison.FindStringSubmatch(text); m != nil {
		left, f.operator, right = m[1], m[2], m[3]
	}
	var err error
	if f.left, _, err = (&pathReader{input: left}).action(0); err == nil {
		f.right, _, err = (&pathReader{input: right}).action(0)
	}
	return f, err
}

// find returns the values of each action, in order.
func (p *expression) find(data any) ([][]any, error) { return p.block(p.root, data) }

func (p *expression) block(nodes []node, data any) ([][]any, error) {
	var results [][]any
	for _, n := range nodes {
		values, err := p.walk(n.steps, []any{data})
		if err != nil {
			return nil, err
		}
		if !n.isRange {
			results = append(results, values)
			continue
		}
		for _, v := range values {
			more, err := p.block(n.body, v)
			if err != nil {
				return nil, err
			}
			results = append(results, more...)
		}
		if len(values) == 0 { // an error in the body counts all the same
			if _, err := p.block(n.body, nil); err != nil {
				return nil, err
			}
		}
		if !n.ended { // upstream then goes through the body once more
			more, err := p.block(n.body, data)
			if err != nil {
				return nil, err
			}
			results = append(results, more...)
		}
	}
	return results, nil
}

func (p *expression) walk(steps []step, values []any) ([]any, error) {
	var err error
	for _, s := range steps {
		if values, err = s.from(p, values); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (l constant) from(_ *expression, values []any) ([]any, error) {
	if _, isText := l.value.(string); isText {
		return []any{l.value}, nil
	}
	out := make([]any, len(values))
	for i := range out {
		out[i] = l.value
	}
	return out, nil
}

func (f field) from(p *expression, values []any) ([]any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	var out []any
	for _, v := range values {
		if m, ok := v.(map[string]any); ok {
			if x, ok := m[string(f)]; ok {
				out = append(out, x)
			}
		}
	}
	if len(out) == 0 && p.strict {
		return nil, fmt.Errorf("%s is not found", string(f))
	}
	return out, nil
}

// children returns what a map or list holds; a map's in the order of its keys.
func children(v any) []any {
	switch x := v.(type) {
	case []any:
		return x
	case map[string]any:
		var out []any
		for _, key := range sortedNames(x) {
			out = append(out, x[key])
		}
		return out
	}
	return nil
}

func (wildcard) from(_ *expression, values []any) ([]any, error) {
	var out []any
	for _, v := range values {
		out = append(out, children(v)...)
	}
	return out, nil
}

func (r recursive) from(p *expression, values []any) ([]any, error) {
	var out []any
	for _, v := range values {
		if below := children(v); len(below) > 0 {
			more, err := r.from(p, below)
			if err != nil {
				return nil, err
			}
			out = append(append(out, v), more...)
		}
	}
	return out, nil
}

func (u union) from(p *expression, values []any) ([]any, error) {
	var out []any
	for _, steps := range u {
		more, err := p.walk(steps, values)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

func (s slice) from(_ *expression, values []any) ([]any, error) {
	var out []any
	for _, v := range values {
		if v == nil {
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%T is not array or slice", v)
		}
		from, to := s.first.n, s.to.n
		if from < 0 {
			from += len(list)
		}
		if !s.to.known {
			to = len(list)
		} else if to < 0 || to == 0 && s.to.derived {
			to += len(list)
		}
		switch {
		case from == to:
			return out, nil
		case from >= len(list) || from < 0:
			return nil, fmt.Errorf("array index out of bounds: index %d, length %d", from, len(list))
		case to > len(list) || to < 0:
			return nil, fmt.Errorf("array index out of bounds: index %d, length %d", to-1, len(list))
		case from > to:
			return nil, fmt.Errorf("starting index %d is greater than ending index %d", from, to)
		case s.step.known && s.step.n <= 0:
			return nil, errors.New("step must be > 0")
		}
		for i := from; i < to; i += max(s.step.n, 1) {
			out = append(out, list[i])
		}
	}
	return out, nil
}

func (f filter) from(p *expression, values []any) ([]any, error) {
	var out []any
	for _, v := range values {
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%v is not array or slice and cannot be filtered", v)
		}
		for _, item := range list {
			left, err := p.walk(f.left, []any{item})
			if f.operator == "exists" {
				if len(left) > 0 {
					out = append(out, item)
				}
				continue
			}
			if err != nil {
				return nil, err
			}
			right, err := p.walk(f.right, []any{item})
			switch {
			case err != nil:
				return nil, err
			case len(left) > 1 || len(left) == 1 && len(right) > 1:
				return nil, errors.New("can only compare one element at a time")
			case len(left) == 0 || len(right) == 0:
				continue
			}
			pass, err := compare(left[0], f.operator, right[0])
			if err != nil {
				return nil, err
			}
			if pass {
				out = append(out, item)
			}
		}
	}
	return out, nil
}

// compare is a comparison of text/template.
func compare(a any, operator string, b any) (bool, error) {
	order := 0
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		if !ok {
			return false, errors.New("incompatible types for comparison")
		}
		order = strings.Compare(x, y)
	case int64:
		y, ok := b.(int64)
		if !ok {
			return false, errors.New("incompatible types for comparison")
		}
		order = sign(x < y, x > y)
	case float64:
		y, ok := b.(float64)
		if !ok {
			return false, errors.New("incompatible types for comparison")
		}
		order = sign(x < y, x > y)
	case bool:
		y, ok := b.(bool)
		if !ok {
			return false, errors.New("incompatible types for comparison")
		}
		if operator != "==" && operator != "!=" {
			return false, errors.New("invalid type for comparison")
		}
		order = sign(x != y, false)
	default:
		return false, errors.New("invalid type for comparison")
	}
	switch operator {
	case "<":
		return order < 0, nil
	case ">":
		return order > 0, nil
	case "==":
		return order == 0, nil
	case "!=":
		return order != 0, nil
	case "<=":
		return order <= 0, nil
	case ">=":
		return order >= 0, nil
	}
	return false, fmt.Errorf("unrecognized filter operator %s", operator)
}

func sign(less, greater bool) int {
	switch {
	case less:
		return -1
	case greater:
		return 1
	}
	return 0
}

// text prints the values of each action, parted by spaces.
func (p *expression) text(data any) (string, error) {
	results, err := p.find(data)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, values := range results {
		for i, v := range values {
			if i > 0 {
				b.WriteByte(' ')
			}
			switch v.(type) {
			case map[string]any, []any:
				out, err := json.Marshal(v)
				if err != nil {
					return "", err
				}
				b.Write(out)
			case nil:
				b.WriteString("null")
			default:
				fmt.Fprint(&b, v)
			}
		}
	}
	return b.String(), nil
}

// json prints the values of each action as a list.
func (p *expression) json(data any) (string, error) {
	results, err := p.find(data)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, values := range results {
		out, err := json.MarshalIndent(append(slices.Clip([]any{}), values...), "", "    ")
		if err != nil {
			return "", err
		}
		b.Write(append(out, '\n'))
	}
	return b.String(), nil
}

var relaxed = regexp.MustCompile(`^\{\.?([^{}]+)\}$|^\.?([^{}]+)$`)

// relax makes an expression of a path that lacks its braces or its dot.
func relax(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	m := relaxed.FindStringSubmatch(text)
	if m == nil {
		return "", errors.New("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'")
	}
	return "{." + m[1] + m[2] + "}", nil
}
