package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// predictions are the directives of a question that a reader answers before the
// cluster does.
var predictions = map[string]directive{
	"ask":    {usage: "QUESTION", about: "asks what happens next; its options follow", do: doAsk},
	"option": {usage: "TEXT [if TYPE/NAME [-n NAMESPACE] STATE …]", about: "one of the answers, right if the expectation holds when it comes to answer; without one, right if no other is", do: doOption},
	"answer": {about: "prints which option is right, and fails if none or several are", do: doAnswer},
}

// question is a question that is open. It is not changed, but replaced.
type question struct {
	options []option
}

type option struct {
	text string
	when *expectation // nil: if no other holds
}

func doAsk(a *arguments) (action, error) {
	if a.rest == "" {
		a.fail("QUESTION is missing")
	}
	return func(p *player) (string, string, error) {
		p.asked = question{}
		return "", "", nil
	}, nil
}

// OptionText is what an option of a question says, without its expectation, or ""
// for a step that is no option.
func (s *Step) OptionText() string {
	rest, ok := strings.CutPrefix(s.Text, "option ")
	if !ok || s.Kind != Directive {
		return ""
	}
	text, _, _ := cutOption(rest)
	return text
}

// cutOption parts an option from its expectation.
func cutOption(rest string) (text, when string, ok bool) {
	i := strings.LastIndex(rest, " if ")
	if i < 0 {
		return strings.TrimSpace(rest), "", false
	}
	return strings.TrimSpace(rest[:i]), rest[i+len(" if "):], true
}

func doOption(a *arguments) (action, error) {
	text, when, ok := cutOption(a.rest)
	if text == "" {
		a.fail("TEXT is missing")
	}
	o := option{text: text}
	if a.rest = when; ok {
		e := a.expectation()
		o.when = &e
	}
	return func(p *player) (string, string, error) {
		p.asked.options = append(slices.Clip(p.asked.options), o)
		return "", "", nil
	}, nil
}

func doAnswer(a *arguments) (action, error) {
	a.end()
	return func(p *player) (string, string, error) {
		var right, wrong []string
		otherwise := ""
		for _, o := range p.asked.options {
			if o.when == nil {
				otherwise = o.text
			} else if why := o.when.holds(p); why == "" {
				right = append(right, o.text)
			} else {
				wrong = append(wrong, fmt.Sprintf("%s: %s", o.text, why))
			}
		}
		if len(right) == 0 && otherwise != "" {
			right = []string{otherwise}
		}
		switch len(right) {
		case 0:
			return "", "", errors.New("no option is right:\n\t" + strings.Join(wrong, "\n\t"))
		case 1:
			return "", right[0] + "\n", nil
		}
		return "", "", fmt.Errorf("several options are right: %s", strings.Join(right, "; "))
	}, nil
}

// checkQuestions refuses questions without options or without an answer.
func (s *Scenario) checkQuestions() error {
	var open *Step
	options, otherwise := 0, 0
	for i := range s.Steps {
		step := &s.Steps[i]
		word, rest, _ := strings.Cut(step.Text, " ")
		if step.Kind != Directive {
			continue
		}
		switch {
		case word == "ask" && open != nil:
			return s.errorf(step.Line, "the question of line %d has no answer yet", open.Line)
		case word == "ask":
			open, options, otherwise = step, 0, 0
		case word == "option" && (open == nil || s.Steps[i-1].Text != open.Text && s.Steps[i-1].OptionText() == ""):
			return s.errorf(step.Line, "an option stands below its question: > ask QUESTION")
		case word == "option":
			options++
			if _, _, ok := cutOption(rest); !ok {
				if otherwise++; otherwise > 1 {
					return s.errorf(step.Line, "two options without an expectation: both would be right if no other is")
				}
			}
		case word == "answer" && open == nil:
			return s.errorf(step.Line, "there is no question to answer: > ask QUESTION")
		case word == "answer" && options < 2:
			return s.errorf(open.Line, "a question has two options or more")
		case word == "answer":
			open = nil
		}
	}
	if open != nil {
		return s.errorf(open.Line, "the question has no answer: > answer")
	}
	return nil
}
