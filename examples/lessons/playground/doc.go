// Package playground is what runs behind a page of examples/lessons: a lesson that
// is played step by step, lines of one's own between, going back and on differently.
// Requests and answers are JSON ([Playground.Call]), so that the page's script can ask
// it in WebAssembly, and a test natively: both give equal bytes.
//
// The state of a page is short: a lesson, a seed and a script, which is a list of
// numbers (so many steps of the lesson) and of lines of one's own. Whoever opens the
// same state has the same history, byte for byte.
package playground
