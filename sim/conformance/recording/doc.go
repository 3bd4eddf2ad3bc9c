// Package recording holds the event recorder of sim/controller (A10) against
// client-go's: tools/record's EventCorrelator with its aggregator, its counts and
// its spam filter.
//
// A random sequence of notes with pauses between them is played to both. On
// upstream's side the real correlator, with a clock of the script, decides what is
// created, patched or dropped, and its requests go to a server of sim/apiserver as
// recordToSink sends them. On ours an actor notes the same in a host of its own.
// After every note both servers must have written the same Events: created or
// changed, with equal counts, messages, times, sources and references. Now and then
// a user deletes an Event, an hour passes and the server forgets all, or a note is
// about an object whose namespace is not there.
//
// Normalised:
//
//   - Names of Events count by the order in which they were first written: ours
//     are ahead of the clock by an amount of the component's own. UIDs and versions of
//     Events are left out.
//   - Times are compared as they are stored, in whole seconds.
//   - Of ten like messages upstream forgets one in the order of a map. The test
//     reads which one it was, and ours, where this is a choice of the engine, is told
//     to forget the same.
//   - Pauses have whole milliseconds. Upstream's spam filter has its rate as a 32-bit
//     number, which makes 300 seconds shorter by seven microseconds.
package recording
