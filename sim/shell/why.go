package shell

import (
	"errors"
	"strings"

	"github.com/statefulsim/statefulsim/sim"
	"github.com/statefulsim/statefulsim/sim/apiserver"
)

const whyUsage = "usage: why [-n NAMESPACE] KIND/NAME | KIND NAME\n"

// why: why [-n NAMESPACE] (KIND/NAME | KIND NAME): what an object waits for, to
// the root, and what would end it. No real terminal has it: it is this cluster's.
func (s *Shell) why(args []string) Output {
	namespace, kind, name, err := parseWhy(args)
	if err != nil {
		return Output{Code: 2}.printedErr("why: " + err.Error() + "\n" + whyUsage)
	}
	k := apiserver.KindNamed(kind)
	if k == 0 {
		return failure("why: the server doesn't have a resource type %q", kind)
	}
	reason := s.cluster.Why(k, namespace, name)
	if !reason.IsZero() {
		return Output{}.printed(strings.Join(reason.Lines(), "\n") + "\n")
	}
	return Output{}.printed(strings.ToLower(k.String()) + "/" + name + " waits for nothing\n")
}

func parseWhy(args []string) (namespace, kind, name string, err error) {
	namespace = sim.DefaultNamespace
	var words []string
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case (arg == "-n" || arg == "--namespace") && i+1 < len(args):
			i++
			namespace = args[i]
		case strings.HasPrefix(arg, "--namespace="):
			namespace = strings.TrimPrefix(arg, "--namespace=")
		case strings.HasPrefix(arg, "-"):
			return "", "", "", errors.New("unknown option " + arg)
		default:
			words = append(words, arg)
		}
	}
	if len(words) == 1 {
		words = strings.SplitN(words[0], "/", 2)
	}
	if len(words) != 2 || words[0] == "" || words[1] == "" {
		return "", "", "", errors.New("name one object")
	}
	return namespace, words[0], words[1], nil
}
