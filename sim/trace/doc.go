// Package trace shows the history of a run: pure functions on watch records.
//
//   - [Writer], [Read] and [All]: JSON lines. Each line is a
//     [k8s.io/apimachinery/pkg/apis/meta/v1.WatchEvent], its object as `kubectl
//     get -o json` has it, plus the virtual time and the author. Tools for watch
//     events read it.
//   - [WriteText] and [Change]: a row for each record, with what it changed.
//   - [Diff]: what is different between two histories, when identifiers,
//     versions, times and addresses do not count.
//   - [Part]: where two histories part.
//   - [WriteSVG]: a picture: a lane for each pod over virtual time, sets, claims,
//     volumes, nodes and controllers' decisions below; what was done and what went
//     wrong above; arrows from what released something to what it released; time
//     cut where nothing happens; two histories, one below the other.
//   - [WriteHTML]: the same as a page of its own, with the tables of each moment.
//   - [WriteData] and [Script]: what that page draws from and with, for other pages.
//   - [WriteLanes]: the same for a terminal.
//   - [WritePerfetto]: the same for ui.perfetto.dev and chrome://tracing.
//
// The state of a pod is the STATUS that kubectl get prints, everywhere: package
// table decides it (K23).
//
// Whatever is written is a function of the records alone, byte for byte. No
// function changes a record or keeps one.
//
// Deviation: a record that was read back knows its predecessor only if that
// stands earlier in the same stream.
package trace
