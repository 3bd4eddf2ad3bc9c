package shell

import (
	"fmt"
	"strings"
)

// sh runs sh -c SCRIPT: commands with quotes, variables, ";", "&&", "||", and
// the output written or appended to a file. Whatever else a shell knows is told.
func (p *place) sh(args []string) Output {
	if len(args) < 2 || args[0] != "-c" {
		out := failure("error: sh in a container is modelled as sh -c SCRIPT")
		out.Code = notModelled
		return out
	}
	words, err := p.words(args[1])
	if err != nil {
		out := failure("sh: not supported here: %v", err)
		out.Code = notModelled
		return out
	}
	var out Output
	skip := false
	for start := 0; start < len(words); {
		end := start
		for end < len(words) && !words[end].joins() {
			end++
		}
		if end > start && !skip {
			last := p.simple(words[start:end])
			code := last.Code
			out.add(last)
			out.Code = code
			if code == notModelled {
				return out
			}
		}
		if end < len(words) {
			switch words[end].text {
			case ";":
				skip = false
			case "&&":
				skip = out.Code != 0
			case "||":
				skip = out.Code == 0
			}
		}
		start = end + 1
	}
	return out
}

// word is a word of a script, or an operator.
type word struct {
	text     string
	operator bool
}

func (w word) joins() bool { return w.operator && w.text != ">" && w.text != ">>" }

// simple runs one command and writes its output to the files that it names.
func (p *place) simple(words []word) Output {
	var command []string
	file, appends, redirected := "", false, false
	for i := 0; i < len(words); i++ {
		if !words[i].operator {
			command = append(command, words[i].text)
			continue
		}
		if i+1 == len(words) || words[i+1].operator {
			return Output{Code: 2}.printedErr("sh: syntax error: unexpected newline\n")
		}
		redirected, appends, file = true, words[i].text == ">>", words[i+1].text
		i++
	}
	var out Output
	if len(command) > 0 {
		out = p.run(command)
	}
	if !redirected {
		return out
	}
	write := p.files.Write
	if appends {
		write = p.files.Append
	}
	if err := write(p.absolute(file), out.Stdout); err != nil {
		reason := err.Error()
		if _, after, ok := strings.Cut(reason, ": "); ok {
			reason = after
		}
		return Output{Code: 1}.printedErr(fmt.Sprintf("sh: can't create %s: %s\n", file, reason))
	}
	return Output{Stderr: out.Stderr, Text: out.Stderr, Code: out.Code}
}

// words reads a script.
func (p *place) words(script string) ([]word, error) {
	var list []word
	var now strings.Builder
	open := false // whether a word has begun, be it empty
	end := func() {
		if open {
			list = append(list, word{text: now.String()})
			now.Reset()
			open = false
		}
	}
	for i := 0; i < len(script); i++ {
		rest := script[i:]
		switch ch := script[i]; {
		case ch == '\'':
			close := strings.IndexByte(rest[1:], '\'')
			if close < 0 {
				return nil, fmt.Errorf("an unterminated quote in %q", script)
			}
			now.WriteString(rest[1 : 1+close])
			open = true
			i += close + 1
		case ch == '"':
			n, err := p.doubleQuoted(rest, &now)
			if err != nil {
				return nil, err
			}
			open = true
			i += n
		case ch == '$':
			n, err := p.variable(rest, &now)
			if err != nil {
				return nil, err
			}
			open = true
			i += n
		case ch == '\\' && i+1 < len(script):
			i++
			now.WriteByte(script[i])
			open = true
		case ch == ' ' || ch == '\t':
			end()
		case ch == ';' || ch == '\n':
			end()
			list = append(list, word{";", true})
		case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"), strings.HasPrefix(rest, ">>"):
			end()
			list = append(list, word{rest[:2], true})
			i++
		case ch == '>':
			end()
			list = append(list, word{">", true})
		case strings.ContainsRune("|&<(){}`*?[#~", rune(ch)):
			return nil, fmt.Errorf("%q in %q", string(ch), script)
		default:
			now.WriteByte(ch)
			open = true
		}
	}
	end()
	return list, nil
}

// doubleQuoted reads a quoted part and returns where it ends.
func (p *place) doubleQuoted(text string, to *strings.Builder) (int, error) {
	for i := 1; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '"':
			return i, nil
		case ch == '\\' && i+1 < len(text) && strings.ContainsRune("\"\\$`", rune(text[i+1])):
			i++
			to.WriteByte(text[i])
		case ch == '$':
			n, err := p.variable(text[i:], to)
			if err != nil {
				return 0, err
			}
			i += n
		case ch == '`':
			return 0, fmt.Errorf("%q in %q", "`", text)
		default:
			to.WriteByte(ch)
		}
	}
	return 0, fmt.Errorf("an unterminated quote in %q", text)
}

// variable replaces $NAME or ${NAME} and returns where it ends.
func (p *place) variable(text string, to *strings.Builder) (int, error) {
	name, braced := strings.CutPrefix(text[1:], "{")
	n := 0
	for n < len(name) && (name[n] == '_' || name[n] >= 'a' && name[n] <= 'z' || name[n] >= 'A' && name[n] <= 'Z' || n > 0 && name[n] >= '0' && name[n] <= '9') {
		n++
	}
	switch {
	case braced && (n == 0 || n == len(name) || name[n] != '}'):
		return 0, fmt.Errorf("%q", text)
	case n == 0 && len(name) > 0 && strings.ContainsRune("(?$!#@*0123456789-", rune(name[0])):
		return 0, fmt.Errorf("%q", text)
	case n == 0:
		to.WriteByte('$')
		return 0, nil
	}
	value, _ := p.lookup(name[:n])
	to.WriteString(value)
	if braced {
		return n + 2, nil
	}
	return n, nil
}
