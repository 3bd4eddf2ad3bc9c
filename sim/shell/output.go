package shell

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/manifest"
	"github.com/statefulsim/statefulsim/sim/table"
)

// Output is what a command printed, and its exit code: 0 for success.
type Output struct {
	Stdout, Stderr string
	// Text is both, in the order in which they came: what a terminal shows.
	Text string
	Code int
}

// print writes to the standard output.
func (o *Output) print(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	o.Stdout, o.Text = o.Stdout+s, o.Text+s
}

// warn writes to the standard error, without making the command fail.
func (o *Output) warn(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	o.Stderr, o.Text = o.Stderr+s, o.Text+s
}

// add appends what another command printed; the higher exit code counts.
func (o *Output) add(more Output) {
	o.Stdout, o.Stderr, o.Text = o.Stdout+more.Stdout, o.Stderr+more.Stderr, o.Text+more.Text
	o.Code = max(o.Code, more.Code)
}

// failure is the Output of a command that failed, with a line break added.
func failure(format string, args ...any) Output {
	o := Output{Code: 1}
	o.warn(format+"\n", args...)
	return o
}

// failed prints an error as kubectl does.
func failed(err error) Output { return failure("%s", errorText(err)) }

// errorText is an error in kubectl's words, without the last line break. An
// error of a manifest is told without the place in the file if it is the
// server's: kubectl names the file alone.
func errorText(err error) string {
	var in *manifest.Error
	var status *apierrors.StatusError
	switch {
	case !errors.As(err, &in) || apierrors.IsInvalid(err):
		return table.ErrorText(err)
	case !errors.As(err, &status):
		return "error: " + in.Kubectl()
	}
	return table.ErrorText(status)
}
