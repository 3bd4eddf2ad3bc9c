// The page of the lessons. What happens is decided in worker.js; here it is shown.
import { words } from "./words.js";
import { tell, heading } from "./told.js";
import { drawControls } from "./controls.js";
import { Simulator } from "./simulator.js";

const $ = id => document.getElementById(id), root = document.documentElement;
let lessons = [], W = words.en;
// page is what the address holds: which lesson in which language, on which seed, what
// was done, what is drawn beside, and what is looked at.
let page = { lesson: "story", lang: "en", seed: "", text: "", script: [], other: null, otherName: "", at: null, chosen: "" };
let done = [], R = null, points = [0], cursor = 0, picks = {}, playing = false, busy = 0, run = 0, typed = [], typedAt = 0, opened = false, epoch = 0, shownHash = "";
const narrow = () => innerWidth < 900;
const T = new Timeline($("chart"), innerWidth < 600 ? 104 : 170);
T.hidden = new Set(["nodes", "decisions"]); if (innerWidth < 600) T.hidden.add("volumes");
const sim = new Simulator();
const times = { picture: 0, ready: 0 }; // since the page was asked for, in milliseconds
globalThis.lessons = { times, get page() { return state(); }, get state() { return { ready: sim.ready && opened, busy: busy > 0, playing, over: !!R && !R.next, now: R && R.now, at: points[cursor], error: root.dataset.error || "", took: sim.took }; }, ask: (op, more) => sim.ask(op, more) };
addEventListener("error", e => { root.dataset.error = e.message; });
addEventListener("unhandledrejection", e => { root.dataset.error = String(e.reason); });

// --- the address

function link() {
  const q = new URLSearchParams();
  if (page.lang !== "en") q.set("lang", page.lang);
  if (page.seed) q.set("seed", page.seed);
  if (page.text) q.set("text", page.text);
  if (page.script.length) q.set("do", JSON.stringify(page.script));
  if (page.other) { q.set("vs", JSON.stringify(page.other)); q.set("name", page.otherName); }
  if (page.at !== null) q.set("at", page.at);
  if (page.chosen) q.set("why", page.chosen);
  const text = q.toString();
  return "#/" + page.lesson + (text ? "?" + text : "");
}
function read(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split(/\?(.*)/s), q = new URLSearchParams(query || ""), parsed = name => { try { return JSON.parse(q.get(name)); } catch { return null; } };
  const known = lessons.some(l => l.name === path), lang = q.get("lang") || (hash.length < 3 && navigator.language.startsWith("zh") ? "zh" : "en");
  return { lesson: known ? path : lessons[0].name, lang: words[lang] ? lang : "en", seed: q.get("seed") || "", text: q.get("text") || "", script: parsed("do") || [], other: parsed("vs"), otherName: q.get("name") || "", at: q.has("at") ? +q.get("at") : null, chosen: q.get("why") || "" };
}
function address() { const hash = link(); if (hash !== shownHash) { shownHash = hash; history.replaceState(null, "", hash); } }
const file = () => { const l = lessons.find(l => l.name === page.lesson); return page.lesson + (page.lang === "zh" && l.titles.zh ? ".zh" : ""); };
const state = () => page.text ? { text: page.text, seed: page.seed, script: page.script } : { lesson: file(), seed: page.seed, script: page.script };

// --- requests

async function ask(op, more) {
  busy++; const began = performance.now(), ticket = epoch;
  const clock = setInterval(() => { const s = (performance.now() - began) / 1000; if (s > .4 && sim.ready) { $("busy").hidden = false; $("busyFor").textContent = s.toFixed(0) + " s"; } }, 200);
  try {
    const r = await sim.ask(op, more);
    return ticket === epoch ? r : { stale: true }; // the page is about something else by now
  } finally { clearInterval(clock); if (!--busy) $("busy").hidden = true; }
}

// take shows an answer; its time passes before one's eyes unless it is to be at once.
async function take(r, atOnce) {
  if (!r || r.stale) return false;
  if (r.error) { complain(r.error); return false; }
  r.data = r.data || R.data; // it is left out if it is as it was
  const from = r.from === 0 ? 0 : points[points.length - 1];
  R = r; T.end = r.now; done = done.slice(0, r.from).concat(r.done || []);
  page.script = r.script || []; T.data = r.data;
  points = r.data.moments.filter(t => t <= r.now + .001); if (!points.length || r.now > points[points.length - 1] + .001) points.push(r.now);
  $("slider").max = points.length - 1;
  render(r.from); controls();
  await reveal(r.from === 0 && atOnce !== false || atOnce ? points.length : points.findIndex(t => t > from));
  return true;
}
function complain(text) {
  const p = document.createElement("p"); p.className = "passes bad"; p.textContent = text; $("told").append(p); bottom();
}
const speeds = { slow: 260, normal: 110, fast: 35, atonce: 0 };
const pace = () => matchMedia("(prefers-reduced-motion:reduce)").matches ? 0 : speeds[$("speed").value || "normal"];
const sleep = ms => new Promise(ok => setTimeout(ok, ms));
// reveal lets the present come, moment after moment.
async function reveal(from) {
  const ticket = ++run, ms = pace();
  if (ms && from > 0 && from < points.length) {
    const stride = Math.max(1, Math.ceil((points.length - from) / 60));
    for (let i = from; i < points.length - 1; i += stride) {
      cursor = i; T.until = points[i]; draw();
      await sleep(ms); if (ticket !== run) return;
    }
  }
  T.until = Infinity; cursor = points.length - 1; page.at = null; draw(); address(); whyNow();
}
// finish ends whatever is being shown, and shows the present.
function finish() { run++; T.until = Infinity; cursor = points.length - 1; page.at = null; draw(); }

async function open(fresh) {
  run++; epoch++; playing = false; if (fresh) picks = {};
  say(); address(); $("told").replaceChildren();
  const at = page.at, first = !page.script.length && !page.seed && !page.text && !page.other;
  if (first && !sim.ready) {
    const got = await fetch("first/" + file() + ".json");
    if (got.ok) await take(await got.json(), true);
  }
  const more = { ...state() }; if (page.other) { more.other = page.other; more.name = page.otherName; }
  opened = false; going();
  if (!await take(await ask("open", more), true)) return;
  opened = true; times.ready = times.ready || performance.now(); going();
  document.title = heading(done) + " · statefulsim";
  if (at !== null) { page.at = at; let i = points.findIndex(t => t >= at - .001); go(i < 0 ? points.length - 1 : i); }
}
async function next() {
  if (busy || !opened) return false;
  if (!R.next) return false;
  if (waiting()) { focusQuestion(); return false; }
  if (cursor < points.length - 1) finish();
  const ok = await take(await ask("next"));
  if (waiting()) focusQuestion();
  return ok;
}
// act does lines of one's own; in the past it goes on differently from there.
async function act(lines) {
  if (busy || !opened) return false;
  if (!await fork()) return false;
  for (const line of lines) {
    const r = await ask("do", { line });
    if (!await take(r)) return false;
    const d = r.done[r.done.length - 1], word = d.text.split(" ")[0];
    const time = $("then").value, passes = d.kind === "shell" ? d.wrote : !["run", "settle", "step", "until", "expect", "why", "waiting", "processes", "rows", "watch", "watched", "ask", "option", "answer"].includes(word);
    if (line === lines[lines.length - 1] && passes && !d.err && time !== "none" && !await take(await ask("do", { line: time === "settle" ? "> settle" : "> run " + time }))) return false;
  }
  return true;
}
// fork makes the moment that is looked at the present, if it is the past.
async function fork() {
  if (cursor >= points.length - 1) return true;
  if (T.until < Infinity) { finish(); return true; }
  const other = { ...state() }, at = points[cursor];
  if (!await take(await ask("cut", { at, keep: true, name: W.before }), true)) return false;
  page.other = other; page.otherName = W.before; beside(); address();
  return true;
}

// --- what is shown

function render(from) {
  const told = $("told"); if (!from) told.replaceChildren();
  tell(told, done, from, { W, picks, first: from === 0, pick });
  bottom(); going();
}
function bottom() { const t = $("told"); t.scrollTop = t.scrollHeight; if (done.length && !done.some(d => d.kind !== "prose" && d.got)) t.scrollTop = 0; }
function question() { for (let i = done.length - 1; i >= 0; i--) { if (done[i].kind !== "directive") continue; if (done[i].text === "answer") return -1; if (done[i].text.startsWith("ask ")) return i; } return -1; }
const waiting = () => { const q = question(); return q >= 0 && picks[q] === undefined; };
function focusQuestion() { const b = [...$("told").querySelectorAll(".ask:last-of-type button, .ask button")].pop(), card = b && b.closest(".ask"); if (card) { card.scrollIntoView({ block: "nearest" }); card.querySelector("button").focus(); } }
function pick(q, text) { if (question() !== q) return; picks[q] = text; render(0); going(); if (!playing) $("next").focus(); else loop(); }
function going() {
  const b = $("next"); b.replaceChildren(); b.disabled = false;
  const cmd = (mark, text) => { b.append(mark + " "); const s = document.createElement("span"); s.className = "cmd"; s.textContent = text.split("\n")[0]; b.append(s); };
  if (!sim.ready || !opened) { b.textContent = W.loading; b.disabled = true; }
  else if (!R || !R.next) { const i = lessons.findIndex(l => l.name === page.lesson); b.textContent = i + 1 < lessons.length && !page.text ? "→ " + W.nextLesson + ": " + title(lessons[i + 1]) : W.over; }
  else if (waiting()) { b.textContent = W.choose; }
  else if (R.next.kind === "shell") cmd("▸ $", R.next.text);
  else if (R.next.text.startsWith("ask ")) b.textContent = "▸ ? " + R.next.text.slice(4);
  else cmd("▸ ›", R.next.text);
  $("run").disabled = $("prompt").disabled = false;
}
const title = l => (page.lang === "zh" && l.titles.zh || l.titles.en).split(/[:：]/)[0];
function draw() { times.picture = times.picture || performance.now(); T.chosen = page.chosen; $("empty").hidden = !!(R && R.data.groups.some(g => g.lanes.length && g.name !== "nodes")); T.draw(); show(); }
function show() {
  const t = points[cursor]; T.mark(t);
  $("slider").value = cursor; $("time").textContent = clock(t, true); $("slider").setAttribute("aria-valuetext", clock(t, true));
  $("past").hidden = cursor >= points.length - 1 || T.until < Infinity;
  const out = $("tables"); out.replaceChildren(); tables(R.data, t, page.chosen, out, W.names);
  out.querySelectorAll("tr[data-id]").forEach(tr => { tr.tabIndex = 0; tr.title = W.why + "?"; });
  $("legend").replaceChildren(); legend(R.data, $("legend"));
}
function go(i) { run++; T.until = Infinity; cursor = Math.max(0, Math.min(points.length - 1, i)); page.at = cursor === points.length - 1 ? null : points[cursor]; draw(); address(); whyNow(); }
function choose(id) { page.chosen = page.chosen === id ? "" : id; show(); T.draw && draw(); address(); whyNow(); if (page.chosen && narrow()) tab("tables"); }
let asking = false;
async function whyNow() {
  const box = $("why"), id = page.chosen;
  if (!id || !sim.ready) { box.replaceChildren(); return; }
  if (asking || busy) { setTimeout(() => { if (page.chosen === id && !asking) whyNow(); }, 120); return; }
  asking = true; const r = await sim.ask("why", { id, at: points[cursor] }); asking = false;
  if (page.chosen !== id) return;
  const p = document.createElement("p"); p.textContent = r.error || (r.lines && r.lines.length ? r.lines.join("\n") : id + " " + W.waits_for_nothing); box.replaceChildren(p);
}
function beside() { $("beside").hidden = !page.other; $("besideText").textContent = W.compare + page.otherName + "."; }
function controls() { drawControls({ W, R, page, act, restart }); }
// restart plays the same script on another seed, beside the one that was.
async function restart(seed) {
  page.other = { ...state() }; page.otherName = W.seedName + R.seed; page.seed = seed; page.at = null;
  beside(); await open();
}
async function loop() {
  playing = true; label();
  while (playing) {
    if (cursor < points.length - 1) { const to = cursor + 1; await sleep(pace() || 10); if (!playing) break; go(to); continue; }
    if (waiting()) { focusQuestion(); break; }
    if (!R.next) break;
    if (!await next()) break;
    await sleep(pace() ? pace() * 6 : 0);
  }
  if (!waiting()) playing = false; label();
}
function pauseOrPlay() { if (playing && !waiting()) { playing = false; finish(); label(); } else if (!busy) loop(); }
function label() { $("play").textContent = playing ? "❚❚" : "▶"; $("play").setAttribute("aria-label", playing ? W.pause : W.play); }
function tab(name) {
  document.body.dataset.tab = name;
  for (const b of $("tabs").children) b.setAttribute("aria-selected", b.dataset.tab === name || !narrow() && name === "lesson" && b.dataset.tab === "tables");
  if (R) draw();
}

// say puts the words of the language into the page.
function say() {
  W = words[page.lang]; root.lang = page.lang === "zh" ? "zh-CN" : "en";
  document.querySelectorAll("[data-t]").forEach(e => { e.textContent = W[e.dataset.t]; });
  document.querySelectorAll("[data-label]").forEach(e => e.setAttribute("aria-label", W[e.dataset.label]));
  document.querySelectorAll("[data-tip-t]").forEach(e => { e.title = W[e.dataset.tipT]; });
  const l = lessons.find(l => l.name === page.lesson);
  $("lesson").replaceChildren(...lessons.map((l, i) => new Option((i + 1) + ". " + title(l), l.name, false, l.name === page.lesson)));
  $("language").hidden = !l.titles.zh && page.lang === "en"; $("language").textContent = page.lang === "zh" ? "English" : "中文"; $("language").lang = page.lang === "zh" ? "en" : "zh";
  const keep = (id, list) => { const v = $(id).value; $(id).replaceChildren(...list.map(([v, t]) => new Option(t, v))); $(id).value = v || list[0][0]; };
  keep("speed", [["normal", W.normal], ["slow", W.slow], ["fast", W.fast], ["atonce", W.atonce]]);
  keep("then", [["settle", W.then_settle], ["10s", W.then_10s], ["none", W.then_none]]);
  $("prompt").placeholder = "kubectl get pods"; beside(); label(); going();
}
function help(build) {
  const box = $("help"); box.replaceChildren(); build(box);
  const b = document.createElement("button"); b.textContent = W.close; b.onclick = () => box.close(); box.append(b); box.showModal(); b.focus();
}

// --- what a person does

$("next").onclick = () => { if (R && !R.next && opened) { const i = lessons.findIndex(l => l.name === page.lesson); if (i + 1 < lessons.length && !page.text) visit(lessons[i + 1].name); else $("prompt").focus(); } else if (waiting()) focusQuestion(); else next(); };
function visit(name) { page = { ...page, lesson: name, seed: "", text: "", script: [], other: null, at: null, chosen: "" }; open(true); }
$("again").onclick = () => { page = { ...page, script: [], other: null, at: null, chosen: "" }; open(true); };
$("lesson").onchange = e => visit(e.target.value);
$("language").onclick = () => { page.lang = page.lang === "zh" ? "en" : "zh"; open(); };
$("theme").onclick = () => { root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; try { localStorage.theme = root.dataset.theme; } catch { /* no storage */ } };
$("keys").onclick = () => help(box => { const dl = document.createElement("dl"); for (const [k, v] of W.helpKeys) { const dt = document.createElement("dt"), kbd = document.createElement("kbd"), dd = document.createElement("dd"); kbd.textContent = k; dt.append(kbd); dd.textContent = v; dl.append(dt, dd); } box.append(dl); });
$("link").onclick = async () => {
  address(); let copied = ""; try { await navigator.clipboard.writeText(location.href); copied = W.copied; } catch { /* it can be copied by hand */ }
  const r = sim.ready && !busy ? await sim.ask("digest") : {};
  help(box => { const p = document.createElement("p"), a = document.createElement("textarea"), f = document.createElement("p"); p.textContent = copied; a.value = location.href; a.rows = 4; a.readOnly = true; f.className = "dim"; f.textContent = W.fingerprint + ": " + (r.text || "").slice(0, 16); box.append(p, a, f); });
};
$("terminal").onsubmit = async e => {
  e.preventDefault(); const input = $("prompt"), text = input.value.trim();
  if (!text) { $("next").click(); if (!waiting()) input.focus(); return; }
  if (busy) return;
  typed.push(text); typedAt = typed.length; input.value = "";
  await act([text.startsWith(">") ? "> " + text.slice(1).trim() : "$ " + text.replace(/^\$\s*/, "")]); input.focus();
};
$("prompt").onkeydown = e => {
  if (e.key === "Escape") { e.target.blur(); $("told").focus(); }
  const step = { ArrowUp: -1, ArrowDown: 1 }[e.key]; if (!step) return;
  e.preventDefault(); typedAt = Math.max(0, Math.min(typed.length, typedAt + step)); e.target.value = typed[typedAt] || "";
};
$("first").onclick = () => go(0); $("back").onclick = () => go(cursor - 1); $("play").onclick = pauseOrPlay; $("on").onclick = () => cursor < points.length - 1 ? go(cursor + 1) : next();
$("slider").oninput = e => go(+e.target.value);
$("present").onclick = () => go(points.length - 1); $("here").onclick = () => fork();
$("forget").onclick = async () => { page.other = null; beside(); await take(await ask("forget"), true); };
for (const b of $("tabs").children) b.onclick = () => tab(b.dataset.tab);
$("chart").addEventListener("click", e => {
  const x = e.clientX - $("chart").getBoundingClientRect().left, lane = e.target.closest(".lane");
  if (x >= T.left && R) { const t = R.data.moments[T.momentAt(x)], i = points.findIndex(p => p >= t - .001); if (!lane) go(i); else { go(i); if (page.chosen !== lane.dataset.id) choose(lane.dataset.id); } } else if (lane) choose(lane.dataset.id);
});
$("tables").addEventListener("click", e => { const tr = e.target.closest("tr[data-id]"); if (tr) choose(tr.dataset.id); });
$("stop").onclick = async () => { epoch++; sim.stop(); await open(); complain(W.stopped); };
$("save").onclick = async () => { const r = await ask("format"); if (!r.text) return; const a = document.createElement("a"); a.href = URL.createObjectURL(new Blob([r.text], { type: "text/plain" })); a.download = page.lesson + ".txtar"; a.click(); setTimeout(() => URL.revokeObjectURL(a.href), 1e4); };
$("paste").onsubmit = e => {
  e.preventDefault(); const text = $("yaml").value; if (!text.trim()) return;
  if (/^[$>] /m.test(text)) { page = { ...page, text, seed: "", script: [], other: null, at: null, chosen: "" }; open(true); if (narrow()) tab("lesson"); return; }
  let end = "EOF"; while (text.split("\n").includes(end)) end += "_";
  if (narrow()) tab("lesson");
  act(["$ kubectl apply -f - <<" + end + "\n" + text.replace(/\n*$/, "\n") + end]);
};
$("seeds").onsubmit = e => { e.preventDefault(); if (/^\d+$/.test($("seed").value)) restart($("seed").value); };
addEventListener("hashchange", () => { if (location.hash === shownHash) return; page = read(location.hash); open(true); });
addEventListener("resize", () => tab(document.body.dataset.tab));
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
  const typing = e.target.closest("input:not([type=range]), textarea, select"), lane = e.target.closest(".lane"), lanes = [...document.querySelectorAll(".lane")];
  const row = e.target.closest("tr[data-id]");
  if (typing) return;
  if (/^[1-9]$/.test(e.key) && waiting()) { const b = $("told").querySelectorAll(".ask.open button")[+e.key - 1]; if (b) { e.preventDefault(); b.click(); } return; }
  const button = e.target.tagName === "BUTTON" || e.target.tagName === "SUMMARY";
  const act = {
    ArrowLeft: () => go(cursor - 1), ArrowRight: () => $("on").click(), Home: () => go(0), End: () => go(points.length - 1),
    ArrowDown: lane && (() => lanes[Math.min(lanes.indexOf(lane) + 1, lanes.length - 1)].focus()), ArrowUp: lane && (() => lanes[Math.max(lanes.indexOf(lane) - 1, 0)].focus()),
    Enter: lane ? () => { choose(lane.dataset.id); refocus(lane.dataset.id); } : row ? () => choose(row.dataset.id) : null,
    " ": !button && pauseOrPlay, n: () => $("next").click(), g: () => { if (narrow()) tab("lesson"); $("prompt").focus(); }, d: () => $("theme").click(), l: () => tab("lesson"), t: () => tab("tables"), c: () => tab("change"), "?": () => $("keys").click(),
  }[e.key];
  if (act && R) { e.preventDefault(); act(); }
});
function refocus(id) { const l = [...document.querySelectorAll(".lane")].find(l => l.dataset.id === id); if (l) l.focus(); }

// --- begin

hover($("tip"));
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"; try { theme = localStorage.theme || theme; } catch { /* no storage */ }
root.dataset.theme = new URLSearchParams(location.search).get("theme") || theme;

sim.onfail = text => { root.dataset.error = text; complain(text); };
lessons = await (await fetch("lessons.json")).json();
page = read(location.hash);
tab("lesson");
await open(true);
