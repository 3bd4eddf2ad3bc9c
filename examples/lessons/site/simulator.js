// The simulator in its worker, as a promise for each request.
export class Simulator {
  constructor() { this.ready = false; this.took = []; this.module = null; this.start(); }
  start() {
    this.id = 0; this.open = new Map(); this.queue = []; this.ready = false;
    this.worker = new Worker("worker.js");
    this.worker.onmessage = e => {
      const m = e.data;
      if (m.failed) { if (this.onfail) this.onfail(m.failed); return; }
      if (m.ready) { this.module = m.module || this.module; this.ready = true; this.queue.forEach(q => this.worker.postMessage(q)); this.queue = []; if (this.onready) this.onready(); return; }
      const settle = this.open.get(m.id); this.open.delete(m.id);
      if (settle.op === "next" || settle.op === "do") this.took.push(m.took);
      settle(JSON.parse(m.text));
    };
    this.worker.onerror = e => { if (this.onfail) this.onfail(e.message || "the simulator has failed"); };
    this.worker.postMessage({ module: this.module });
  }
  ask(op, more) {
    const message = { id: ++this.id, request: { op, ...more } };
    return new Promise(settle => { settle.op = op; this.open.set(message.id, settle); if (this.ready) this.worker.postMessage(message); else this.queue.push(message); });
  }
  // stop ends whatever runs, and begins anew with the module that was compiled.
  stop() { this.worker.terminate(); const left = [...this.open.values()]; this.start(); left.forEach(settle => settle({ stale: true })); }
}
