// What one can change: each control types the line that a person would type.
const $ = id => document.getElementById(id);
function make(name, attrs, parent, text) { const e = document.createElement(name); for (const k in attrs) e.setAttribute(k, attrs[k]); if (text !== undefined) e.textContent = text; if (parent) parent.append(e); return e; }
const quote = o => "'" + JSON.stringify(o).replace(/'/g, "'\\''") + "'";

export function drawControls({ W, R, page, act, restart }) {
  const out = $("sets"), focused = document.activeElement && document.activeElement.dataset.control; out.replaceChildren();
  if (!(R.sets || []).length) make("p", { class: "dim" }, out, W.nosets);
  for (const s of R.sets || []) {
    const n = s.namespace === "default" ? "" : " -n " + s.namespace, id = s.namespace + "/" + s.name;
    const box = make("fieldset", {}, out); make("legend", {}, box, "sts/" + s.name);
    const fields = make("div", { class: "fields" }, box);
    const patch = spec => act(["$ kubectl patch sts " + s.name + n + " -p " + quote({ spec })]);
    const field = (name, value, type, change, list) => {
      const l = make("label", {}, fields, W[name] + " "), e = make(list ? "select" : "input", list ? {} : { type, ...(type === "number" ? { min: 0 } : {}) }, l);
      if (list) e.replaceChildren(...list.map(v => new Option(v, v, false, v === value)));
      e.value = value; e.dataset.control = id + "/" + name; e.onchange = () => { if (e.value !== String(value)) change(e.value); };
      if (focused === e.dataset.control) e.focus();
    };
    field("replicas", s.replicas, "number", v => act(["$ kubectl scale sts " + s.name + n + " --replicas=" + Math.max(0, Math.floor(+v || 0))]));
    field("image", s.image, "text", v => act(["$ kubectl set image sts/" + s.name + n + " " + s.container + "=" + v.replace(/[\s'"|;&<>$]/g, "")]));
    field("strategy", s.strategy, "", v => patch({ updateStrategy: { type: v, ...(v === "RollingUpdate" ? {} : { rollingUpdate: null }) } }), ["RollingUpdate", "OnDelete", "Recreate"]);
    field("partition", s.partition, "number", v => patch({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: Math.floor(+v || 0) } } }));
    field("unavailable", s.unavailable, "text", v => patch({ updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: v === "" ? null : /^\d+$/.test(v) ? +v : v } } }));
    field("minReady", s.minReady, "number", v => patch({ minReadySeconds: Math.floor(+v || 0) }));
    field("policy", s.policy, "", async v => {
      const r = await globalThis.lessons.ask("recreate", { id: "statefulset/" + id, policy: v });
      if (!r.error) act(["$ kubectl delete sts " + s.name + n + " --cascade=orphan", "$ kubectl apply -f - <<EOF\n" + r.text + "EOF"]);
    }, ["OrderedReady", "Parallel"]);
  }
  misfortune(W, R, act);
  $("seed").value = R.seed;
}
const needs = { "crash": "node", "restart": "node", "stop-kubelet": "node", "partition": "node", "reconnect": "node", "fail-probe": "pod", "mend-probe": "pod", "exit": "pod", "evict": "pod", "image-missing": "image", "image-back": "image", "nfs down": "server", "nfs up": "server" };
const line = (what, on) => {
  switch (what) {
    case "fail-probe": case "mend-probe": return `> ${what} ${on} readiness`;
    case "exit": return `> exit ${on} 1`;
    case "hold": return "> hold statefulset-controller pods 30s";
    case "heal": return "> heal";
  }
  return `> ${what} ${on}`;
};
function misfortune(W, R, act) {
  const form = $("bad"), was = form.querySelector("select") && form.querySelector("select").value; form.replaceChildren();
  const what = make("select", { "aria-label": W.misfortune }, form), place = make("span", {}, form);
  what.replaceChildren(...Object.entries(W.bad).map(([v, t]) => new Option(t, v))); if (was) what.value = was;
  const pods = R.data.rows.filter(r => r.k === "pods" && r.h[r.h.length - 1][1]).map(r => { const [, ns, name] = r.id.split("/"); return ns === "default" ? name : `${name} -n ${ns}`; });
  const servers = [...new Set(["nfs", "files"])];
  const fill = () => {
    place.replaceChildren(); const need = needs[what.value];
    if (need === "node" || need === "pod") { const e = make("select", { "aria-label": need }, place); e.replaceChildren(...(need === "node" ? R.nodes || [] : pods).map(v => new Option(v, v))); }
    else if (need) { const e = make("input", { "aria-label": need, size: 14 }, place); e.value = need === "image" ? (R.sets && R.sets[0] && R.sets[0].image || "nginx:1.29") : servers[0]; }
  };
  what.onchange = fill; fill();
  make("button", {}, form, W.do);
  form.onsubmit = e => { e.preventDefault(); const on = place.firstChild ? place.firstChild.value : ""; if (needs[what.value] && !on) return; act([line(what.value, on)]); };
}
