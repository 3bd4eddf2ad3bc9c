// The simulator, in a thread of its own: it is sent requests and answers them in order.
"use strict";
importScripts("wasm_exec.js");
let module;
async function load(given) {
  if (given) return given;
  const got = await fetch("statefulsim.wasm.gz");
  if (!got.ok) throw new Error("statefulsim.wasm.gz: " + got.status);
  // A server may have unpacked it on the way: gzip begins with 1f 8b.
  const [peek, body] = got.body.tee(), reader = peek.getReader(), head = await reader.read();
  reader.cancel();
  const packed = head.value && head.value[0] === 0x1f && head.value[1] === 0x8b;
  const stream = packed ? body.pipeThrough(new DecompressionStream("gzip")) : body;
  return WebAssembly.compileStreaming(new Response(stream, { headers: { "Content-Type": "application/wasm" } }));
}
onmessage = async e => {
  onmessage = null;
  try {
    module = await load(e.data.module);
    const go = new Go(), instance = await WebAssembly.instantiate(module, go.importObject);
    self.ready = () => {
      onmessage = e => {
        const began = performance.now(), text = self.statefulsim(JSON.stringify(e.data.request));
        postMessage({ id: e.data.id, text, took: performance.now() - began });
      };
      postMessage({ ready: true, module: e.data.module ? null : module });
    };
    go.run(instance);
  } catch (err) { postMessage({ failed: String(err) }); }
};
