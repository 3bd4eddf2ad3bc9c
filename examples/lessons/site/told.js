// The lesson so far: prose, what was typed with what it printed, questions.
function make(name, className, text, parent) { const e = document.createElement(name); if (className) e.className = className; if (text !== undefined) e.textContent = text; if (parent) parent.append(e); return e; }

// heading is the title of a lesson.
export function heading(done) { const d = done.find(d => d.kind === "prose"); return d ? d.text.split("\n")[0] : ""; }

// tell adds the steps from a number on.
export function tell(out, done, from, c) {
  let titled = from > 0 && done.slice(0, from).some(d => d.kind === "prose");
  for (let i = from; i < done.length; i++) {
    const d = done[i], word = d.text.split(" ")[0];
    if (d.kind === "prose") { prose(out, d.text, titled); titled = true; }
    else if (d.kind === "shell") shell(out, d, c);
    else if (word === "ask") ask(out, done, i, c);
    else if (word === "option") continue;
    else if (word === "answer") answer(out, done, i, c);
    else if (word === "expect") held(out, d);
    else passes(out, d, c);
  }
}
function prose(out, text, titled) {
  text.split(/\n\n+/).forEach((part, i) => {
    if (!titled && i === 0) make("h1", "", part.replace(/\n/g, " "), out);
    else if (part.startsWith("── ")) make("h2", "", part.slice(3).replace(/\n/g, " "), out);
    else if (part.trim()) make("p", "", join(part), out);
  });
}
// join makes one line of several: Chinese has no spaces between them.
function join(text) { return text.trim().replace(/\n/g, (_, i, s) => s.charCodeAt(i - 1) > 0x2e80 || s.charCodeAt(i + 1) > 0x2e80 ? "" : " "); }
function output(box, text, W, wraps) {
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length <= 26) { make("pre", wraps ? "wrap" : "", lines.join("\n"), box); return; }
  const d = make("details", "", undefined, box); make("summary", "", lines.length + " " + W.lines, d); make("pre", "", lines.join("\n"), d);
}
function shell(out, d, c) {
  const box = make("div", "term" + (d.own ? " own" : ""), undefined, out), line = make("div", "line", undefined, box); line.dataset.mark = "$"; make("span", "", d.text.split("\n")[0], line);
  if (d.got) output(box, d.got, c.W, d.text.startsWith("why "));
  if (d.err) make("div", "err", d.err, box);
}
function held(out, d) { const p = make("p", "held" + (d.err ? " not" : ""), (d.err ? "✗ " : "✓ ") + d.text.replace(/^expect /, ""), out); if (d.err) p.append("\n" + d.err); }
const calm = ["run", "settle", "step", "until", "watch", "watched", "volumes", "rows", "processes", "why", "waiting", "seed", "nodes", "node", "provision", "workload", "gate", "disable-admission", "domain", "nfs-strict", "no-latency"];
function passes(out, d, c) {
  const [word, ...rest] = d.text.split(" "), bad = !calm.includes(word), own = d.own ? " own" : "";
  let text = d.text;
  if (word === "run") text = "◷ " + rest.join(" ") + " " + c.W.passes; else if (word === "settle") text = "◷ " + c.W.settle; else if (word === "until") text = "◷ … " + rest.join(" "); else text = (bad && word !== "heal" ? "⚡ " : "› ") + text;
  if (!d.got) { make("p", "passes" + (bad ? " bad" : "") + own, text, out); }
  else { const box = make("div", "term" + own, undefined, out), line = make("div", "line", undefined, box); line.dataset.mark = "›"; make("span", "", d.text, line); output(box, d.got, c.W, word !== "rows" && word !== "processes" && word !== "watched"); }
  if (d.err) make("p", "passes bad", d.err, out);
}
function options(done, i) { const list = []; for (let k = i + 1; k < done.length && done[k].option; k++) list.push(done[k].option); return list; }
function ask(out, done, i, c) {
  const answered = done.slice(i).find(d => d.kind === "directive" && d.text === "answer"), mine = c.picks[i];
  const card = make("div", "ask" + (answered || mine !== undefined ? "" : " open"), undefined, out); card.dataset.ask = i; card.setAttribute("role", "group");
  make("h3", "", done[i].text.slice(4), card);
  const box = make("div", "", undefined, card), list = options(done, i);
  const button = (text, value) => { const b = make("button", "", text, box); b.setAttribute("aria-pressed", mine === value); b.disabled = !!answered || mine !== undefined && mine !== value; b.onclick = () => c.pick(i, value); return b; };
  list.forEach((o, n) => { button(o, o).dataset.option = o; if (!answered && mine === undefined) box.lastChild.prepend((n + 1) + "  "); });
  if (!answered && mine === undefined) button(c.W.showme, "");
  if (answered) judge(card, mine, answered.got.trim(), c.W);
}
function judge(card, mine, right, W) {
  card.classList.remove("open");
  card.querySelectorAll("button").forEach(b => { const o = b.dataset.option; b.disabled = true; b.classList.toggle("right", o === right); b.classList.toggle("wrong", o === mine && o !== right); });
  const old = card.querySelector("output"), out = old || make("output", "", undefined, card);
  out.textContent = (mine ? (mine === right ? W.right : W.notquite) + " " : "") + W.cluster_says + right;
}
function answer(out, done, i, c) {
  let q = i; while (q >= 0 && !(done[q].kind === "directive" && done[q].text.startsWith("ask "))) q--;
  const card = out.querySelector(`.ask[data-ask="${q}"]`);
  if (card && done[i].got) judge(card, c.picks[q], done[i].got.trim(), c.W);
  const p = make("p", "held" + (done[i].err ? " not" : ""), done[i].err ? "✗ " + done[i].err : "= " + done[i].got.trim(), out); if (!done[i].err && c.picks[q]) p.textContent += " — " + (c.picks[q] === done[i].got.trim() ? c.W.right : c.W.yours + c.picks[q]);
}
