"use strict";
// What a page draws of a history: class Timeline, the lanes over time, and tables,
// what kubectl get showed at a moment. The data are those of trace.WriteData. The
// page gives the colours as CSS variables: --fg --dim --line --soft --op --bad --part
// --arrow --focus --ink.
const NS = "http://www.w3.org/2000/svg";
const LANE = 24, BAR = 15, OTHER = 7, GAP = 36;
const STRIPES = ["#6b7785", "#0072b2", "#b3541e", "#8a3ffc", "#00735c"];
const KINDS = ["pods", "statefulsets", "persistentvolumeclaims", "persistentvolumes", "nodes"];

function el(name, attrs, parent, text) {
  const e = document.createElementNS(NS, name);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}
function html(name, attrs, parent, text) {
  const e = document.createElement(name);
  for (const k in attrs) e.setAttribute(k, attrs[k]);
  if (text !== undefined) e.textContent = text;
  if (parent) parent.appendChild(e);
  return e;
}
function clock(ms, full) {
  const days = Math.floor(ms / 864e5); let r = ms - days * 864e5;
  const h = Math.floor(r / 36e5); r -= h * 36e5; const m = Math.floor(r / 6e4); r -= m * 6e4;
  const s = (r / 1000).toFixed(full ? 3 : r < 1e4 && r % 1000 ? 1 : 0), pad = x => String(x).padStart(2, "0");
  const day = days ? days + "d " : "";
  if (h || days) return day + h + ":" + pad(m) + ":" + (r < 1e4 ? "0" : "") + s;
  return m ? m + "m" + (+s ? s + "s" : "") : s + "s";
}
function span(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 1) return Math.round(ms) + "ms";
  if (s < 120) return s + "s"; if (s < 7200) return Math.floor(s / 60) + "m"; if (s < 172800) return Math.floor(s / 3600) + "h";
  return Math.floor(s / 86400) + "d";
}
// age is kubectl's (duration.HumanDuration).
function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(s / 3600), d = Math.floor(h / 24);
  const and = (a, u, b, v) => b ? a + u + b + v : a + u;
  if (s < 120) return s + "s"; if (m < 10) return and(m, "m", s % 60, "s"); if (m < 180) return m + "m";
  if (h < 8) return and(h, "h", m % 60, "m"); if (h < 48) return h + "h"; if (d < 8) return and(d, "d", h % 24, "h");
  if (d < 730) return d + "d"; return and(Math.floor(d / 365), "y", d % 365, "d");
}

function tick(ms, n) { for (const d of [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 216e5, 864e5]) if (ms / d <= Math.max(n, 1)) return d; return 864e6; }
const words = w => [...w].reduce((n, c) => n + (c > "\u2e80" ? 12 : 6.3), 8);
function at(h, t) { let v = null; for (const e of h) { if (e[0] > t + 1e-6) break; v = e; } return v; }
function hatch(phase) { return phase === "Failing" ? "url(#h5)" : phase === "Terminating" ? "url(#h7)" : ""; }

class Timeline {
  // svg is drawn into; its parent is what scrolls, and as wide as that is the picture.
  // What comes after the moment until is not shown, and what is to come after the
  // moment end, which is the present, is not known.
  constructor(svg, left) {
    this.svg = svg; this.box = svg.parentElement; this.left = left;
    this.hidden = new Set(); this.chosen = ""; this.scale = 0; this.until = Infinity; this.end = Infinity; this.panels = [];
    this.box.addEventListener("scroll", () => this.slide());
  }
  // slide has the names stay where they are to be read.
  slide() { for (const e of this.svg.querySelectorAll(".label")) e.setAttribute("transform", `translate(${this.box.scrollLeft} 0)`); }
  layout() {
    const D = this.data, least = 54, room = Math.max(innerWidth < 600 ? 240 : 300, this.box.clientWidth - this.left - 42) - GAP * (D.panels.length - 1);
    if (!this.scale) {
      let lo = 0, hi = 10;
      for (let i = 0; i < 50; i++) { const mid = (lo + hi) / 2; D.panels.reduce((w, p) => w + Math.max(least, (p[1] - p[0]) * mid), 0) > room ? hi = mid : lo = mid; }
      this.fit = Math.max(lo, .012);
    }
    const scale = this.scale || this.fit;
    let x = this.left;
    this.panels = D.panels.map(p => { const w = Math.max(least, (p[1] - p[0]) * scale), q = { a: p[0], b: p[1], x0: x, x1: x + w }; x += w + GAP; return q; });
    return x - GAP + 24;
  }
  x(t) {
    const panels = this.panels;
    for (let i = 0; i < panels.length; i++) {
      const p = panels[i];
      if (t < p.a) return i ? (panels[i - 1].x1 + p.x0) / 2 : p.x0;
      if (t <= p.b) return p.x0 + (p.x1 - p.x0) * (t - p.a) / (p.b - p.a);
    }
    return panels[panels.length - 1].x1;
  }
  // seen reports whether a moment is in a panel, and not in the future.
  seen(t) { return t <= this.until + 1e-6 && this.panels.some(p => p.a <= t && t <= p.b); }
  defs() {
    const d = el("defs", {}, this.svg);
    let p = el("pattern", { id: "h5", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, d); el("rect", { width: 2, height: 6, fill: "#7a2d00", opacity: .5 }, p);
    p = el("pattern", { id: "h7", width: 5, height: 5, patternUnits: "userSpaceOnUse" }, d); el("circle", { cx: 1.5, cy: 1.5, r: .9, fill: "#5c1546", opacity: .65 }, p);
    const m = el("marker", { id: "tipm", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto", markerUnits: "userSpaceOnUse" }, d); el("path", { d: "M0 0 L8 4 L0 8 z", fill: "var(--arrow)" }, m);
  }
  bar(parent, x, y, w, h, s, other) {
    const D = this.data, over = hatch(D.phases[s.p]);
    const r = el("rect", { x, y, width: Math.max(w, .8), height: h, fill: D.fills[s.p], rx: 1 }, parent);
    r.dataset.tip = (other ? D.names[1] + ": " : "") + s.t;
    if (over) el("rect", { x, y, width: Math.max(w, .8), height: h, fill: over, "pointer-events": "none" }, parent);
  }
  draw() {
    const D = this.data, svg = this.svg, X = t => this.x(t), LEFT = this.left; svg.replaceChildren(); this.defs();
    const two = D.groups.some(g => g.lanes.some(l => l.other && l.other.length)), until = this.until;
    const width = this.layout(), ys = {}; let y = 14;
    const rowEnds = [], place = [];
    for (const m of D.marks) {
      if (m.t > until + 1e-6) { place.push(-2); continue; }
      const x = X(m.t), w = words(m.w); let r = rowEnds.findIndex(e => e < x); if (r < 0 && rowEnds.length < 6) { r = rowEnds.length; rowEnds.push(0); } if (r >= 0) rowEnds[r] = x + w; place.push(r);
    }
    y += rowEnds.length * 14 + 30; const top = y;
    const back = el("g", {}, svg), under = el("g", {}, svg), lanes = el("g", {}, svg);
    for (const g of D.groups) {
      const begun = g.lanes.filter(l => until === Infinity || [...l.spans, ...(l.other || [])].some(s => s.a <= until + 1e-6));
      if (this.hidden.has(g.name) || !begun.length) continue;
      el("text", { x: 10, y: y + 13, class: "dim label" }, lanes, g.name.toUpperCase()); y += 18;
      for (const l of begun) {
        const h = LANE + (two ? OTHER + 1 : 0), lane = el("g", { class: "lane" + (l.id === this.chosen ? " chosen" : ""), tabindex: 0, role: "button", "aria-label": l.id }, lanes);
        lane.dataset.id = l.id;
        el("rect", { class: "back", x: 4, y, width: width - 8, height: h }, lane);
        let end = 0, last = "";
        for (const s of l.spans) for (const p of this.panels) {
          const now = Math.min(until, this.end), a = Math.max(s.a, p.a), b = Math.min(s.b, p.b, now); if (a > b || a === b && b !== now) continue;
          const x = X(a), w = X(b) - x; this.bar(lane, x, y + 3, w, BAR, s);
          if (s.r >= 0 && D.revisions.length > 1) el("rect", { x, y: y + 3 + BAR, width: w, height: 3, fill: STRIPES[s.r % STRIPES.length] }, lane);
          if (s.w && words(s.w) < w && !(s.w === last && x < end + 80)) { el("text", { x: x + w / 2, y: y + 14.5, "text-anchor": "middle", class: "word" }, lane, s.w); end = x + w; last = s.w; }
        }
        for (const s of l.other || []) for (const p of this.panels) {
          const a = Math.max(s.a, p.a), b = Math.min(s.b, p.b, until); if (a < b) this.bar(lane, X(a), y + 3 + BAR + 4, X(b) - X(a), OTHER, s, true);
        }
        el("rect", { class: "label mask", x: 0, y, width: LEFT - 6, height: h }, lane);
        const name = l.label.length > 26 && LEFT > 120 ? l.label.slice(0, 24) + "…" : LEFT < 120 && l.label.length > 14 ? l.label.slice(0, 13) + "…" : l.label;
        el("text", { class: "label", x: 10, y: y + 15 }, lane, name).dataset.tip = l.id;
        ys[l.id] = y + 3 + BAR / 2; y += h;
      }
    }
    if (!this.hidden.has("decisions") && D.crews.length) {
      el("text", { x: 10, y: y + 13, class: "dim label" }, lanes, "DECISIONS"); y += 18;
      for (const c of D.crews) {
        el("text", { x: 10, y: y + 12 }, lanes, LEFT < 120 ? c.name.slice(0, 14) : c.name);
        for (const d of c.d) if (this.seen(d[0])) el("rect", { x: X(d[0]) - 1, y: y + 3, width: 2.4, height: 11, fill: "var(--arrow)" }, lanes).dataset.tip = clock(d[0], true) + "  " + c.name + ": " + d[1];
        y += 17;
      }
    }
    let written = 0;
    this.panels.forEach((p, i) => {
      if (p.a > until + 1e-6) return;
      const edge = X(Math.min(p.b, until));
      el("rect", { x: p.x0, y: top - 4, width: edge - p.x0, height: y - top + 6, fill: "var(--soft)" }, back);
      const d = tick(p.b - p.a, (p.x1 - p.x0) / 74); let first = null;
      for (let t = Math.ceil(p.a / d) * d; t <= Math.min(p.b, until); t += d) {
        el("line", { x1: X(t), x2: X(t), y1: top - 4, y2: y, stroke: "var(--line)" }, back);
        const label = first === null ? clock(t) : "+" + clock(t - first), half = label.length * 3;
        if (X(t) - half < written + 4) continue;
        written = X(t) + half; if (first === null) first = t;
        el("text", { x: X(t), y: top - 8, "text-anchor": "middle", class: "dim" }, back, label);
      }
      if (i) { const x = (this.panels[i - 1].x1 + p.x0) / 2, gap = p.a - this.panels[i - 1].b;
        el("path", { d: `M${x} ${top - 4} l4 4 l-8 4 l4 4 V${y}`, stroke: "var(--dim)", fill: "none" }, back);
        el("text", { x, y: top - 20, "text-anchor": "middle", class: "dim" }, back, span(gap)).dataset.tip = "nothing happens for " + clock(gap); }
    });
    D.marks.forEach((m, i) => {
      if (place[i] === -2) return;
      const c = m.bad ? "var(--bad)" : "var(--op)", r = place[i], y0 = r < 0 ? top - 4 : 10 + r * 14;
      el("line", { x1: X(m.t), x2: X(m.t), y1: y0, y2: y, stroke: c, "stroke-dasharray": "3 3", opacity: .6 }, under).dataset.tip = clock(m.t, true) + "  " + m.w;
      if (r >= 0) { const t = el("text", { x: X(m.t) + 4, y: y0 + 10 }, under, (m.bad ? "⚡" : "") + m.w); t.style.fill = c; t.dataset.tip = clock(m.t, true) + "  " + m.w; }
    });
    if (D.parting && D.parting.t <= until) el("line", { x1: X(D.parting.t), x2: X(D.parting.t), y1: top - 16, y2: y, stroke: "var(--part)", "stroke-width": 2.5 }, under).dataset.tip = D.parting.w;
    for (const a of D.arrows) {
      if (ys[a.f] === undefined || ys[a.g] === undefined || !this.seen(a.a) || !this.seen(a.b)) continue;
      const x0 = X(a.a), x1 = X(a.b), up = ys[a.g] < ys[a.f] ? -1 : 1, h = (BAR / 2 + 1) * up, bend = Math.min(Math.max((x1 - x0) / 2, 6), 40);
      const p = el("path", { class: "arrow", d: `M${x0} ${ys[a.f] + h} C${x0} ${ys[a.f] + h * 1.8} ${x1 - bend} ${ys[a.g] - h * 1.7} ${x1} ${ys[a.g] - h}`, "marker-end": "url(#tipm)" }, lanes);
      p.dataset.tip = a.t; p.dataset.f = a.f; p.dataset.g = a.g;
    }
    this.slide();
    this.now = el("line", { y1: 4, y2: y + 4, stroke: "var(--focus)", "stroke-width": 1.6 }, svg);
    svg.setAttribute("width", width); svg.setAttribute("height", y + 10); svg.setAttribute("viewBox", `0 0 ${width} ${y + 10}`);
  }
  // mark shows which moment and which object is looked at, and has both be seen.
  mark(t) {
    const x = this.x(t), box = this.box;
    this.now.setAttribute("x1", x); this.now.setAttribute("x2", x);
    if (x < box.scrollLeft + this.left || x > box.scrollLeft + box.clientWidth - 40) box.scrollLeft = x - box.clientWidth / 2;
    this.svg.querySelectorAll(".lane").forEach(l => l.classList.toggle("chosen", l.dataset.id === this.chosen));
    this.svg.querySelectorAll(".arrow").forEach(a => a.classList.toggle("lit", this.chosen !== "" && (a.dataset.f === this.chosen || a.dataset.g === this.chosen)));
  }
  // find fades what a search does not find.
  find(q) { this.svg.querySelectorAll(".lane").forEach(l => l.classList.toggle("faded", q !== "" && !l.dataset.id.includes(q))); }
  // momentAt returns the moment, by its number, that is drawn nearest to a place.
  momentAt(x) { let best = 0; this.data.moments.forEach((t, i) => { if (Math.abs(this.x(t) - x) < Math.abs(this.x(this.data.moments[best]) - x)) best = i; }); return best; }
}

// tables shows in an element what kubectl get showed at a moment, and the newest Events.
function tables(D, t, chosen, out, names) {
  for (const kind of KINDS.filter(k => D.columns[k])) {
    const rows = D.rows.filter(r => r.k === kind).map(r => [r, at(r.h, t)]).filter(r => r[1] && r[1][1]);
    if (!rows.length) continue;
    html("h2", {}, out, names && names[kind] || kind);
    const tb = html("table", {}, out), hr = html("tr", {}, html("thead", {}, tb));
    D.columns[kind].forEach(c => html("th", { scope: "col" }, hr, c));
    const body = html("tbody", {}, tb);
    for (const [r, e] of rows.sort((a, b) => a[0].id.localeCompare(b[0].id, "en", { numeric: true }))) {
      const tr = html("tr", {}, body); tr.dataset.id = r.id; if (Math.abs(e[0] - t) < 1e-3) tr.classList.add("changed"); if (r.id === chosen) tr.classList.add("chosen");
      e[1].forEach((c, i) => html("td", {}, tr, i === r.age ? age(t - e[2]) : c));
    }
  }
  const evs = D.events.filter(e => e[0] <= t + 1e-6).slice(-8);
  if (!evs.length) return;
  html("h2", {}, out, names && names.events || "events, the newest below"); const tb = html("table", {}, out);
  for (const e of evs) { const tr = html("tr", {}, tb); [clock(e[0], true), e[1], e[2], e[3], e[4]].forEach(c => html("td", {}, tr, c)); }
}

// legend explains colours and strokes in an element.
function legend(D, out) {
  const swatch = (draw, text) => { const s = html("span", {}, out), v = el("svg", { width: 14, height: 12 }); draw(v); s.append(v, text); };
  D.phases.forEach((p, i) => swatch(v => { el("rect", { width: 14, height: 12, fill: D.fills[i] }, v); if (hatch(p)) el("rect", { width: 14, height: 12, fill: hatch(p) }, v); }, p));
  if (D.revisions.length > 1) D.revisions.forEach((r, i) => swatch(v => el("rect", { y: 5, width: 14, height: 3, fill: STRIPES[i % STRIPES.length] }, v), r));
  if (D.arrows.length) html("span", {}, out, "→ released");
}

// hover shows what stands in data-tip where the pointer is.
function hover(tip) {
  addEventListener("mousemove", e => {
    const t = e.target.dataset && e.target.dataset.tip; tip.style.display = t ? "block" : "none"; if (!t) return;
    tip.textContent = t; tip.style.left = Math.max(4, Math.min(e.clientX + 12, innerWidth - tip.offsetWidth - 8)) + "px";
    tip.style.top = (e.clientY + 18 + tip.offsetHeight > innerHeight ? e.clientY - tip.offsetHeight - 10 : e.clientY + 18) + "px";
  });
}
