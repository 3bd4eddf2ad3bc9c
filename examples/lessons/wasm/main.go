//go:build js && wasm

// Command wasm is package playground in a browser's worker: a function
// statefulsim(REQUEST) that takes and gives JSON.
package main

import (
	"syscall/js"

	"github.com/statefulsim/statefulsim/examples/lessons/playground"
)

func main() {
	var p playground.Playground
	js.Global().Set("statefulsim", js.FuncOf(func(_ js.Value, args []js.Value) any {
		if len(args) != 1 {
			return ""
		}
		return string(p.Call([]byte(args[0].String())))
	}))
	if ready := js.Global().Get("ready"); ready.Type() == js.TypeFunction {
		ready.Invoke()
	}
	select {}
}
