// Watching: the pictures of a show and what is told of it, its transport, the wheel, and what players look at.

import { Looked } from "./looked.js";
import { h, icon, link, s } from "./tools.js";

const KEYS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right", w: "up", s: "down", a: "left", d: "right" };
const CHART = [600, 150];

/** A number as short as it can be read: five digits at most. */
function short(x) {
  if (x === null || x === undefined) return "–";
  const size = Math.abs(x);
  const text = size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : size >= 0.1 || size === 0 ? x.toFixed(2) : x.toPrecision(2);
  return text.replace("-", "−");
}

function measure([value, kind]) {
  if (value === null) return "–";
  if (kind === "rate" && (value === 0 || value === 1)) return value ? "yes" : "no";
  if (kind === "rate" || kind === "share") return `${(100 * value).toFixed(1).replace("-", "−")} %`;
  if (kind === "count") return String(Math.round(value * 100) / 100);
  return short(value);
}

const spoken = (name) => name.replaceAll("_", " ");

/** A table whose rows and columns rarely change, and whose cells often do. */
class Sheet {
  constructor(title, cls) {
    this.shape = "";
    this.body = h("tbody", {});
    this.head = h("tr", {});
    this.node = h("section", { class: `sheet ${cls}` }, h("h2", {}, title), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, this.head), this.body)));
  }

  /** columns: headings; rows: by name what fills each cell, (td) => …; whos: of whom a column is. */
  show(columns, rows, whos) {
    this.node.hidden = !rows.length;
    const shape = JSON.stringify([columns, rows.map(([name]) => name), whos]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.head.replaceChildren(h("td", {}), ...columns.map((text, k) => h("th", { scope: "col", "data-who": whos[k] }, text)));
      this.body.replaceChildren(...rows.map(([name]) => h("tr", {}, h("th", { scope: "row" }, name), columns.map((_, k) => h("td", { "data-who": whos[k] })))));
    }
    rows.forEach(([, cells], row) => cells.forEach((cell, k) => cell(this.body.children[row].children[k + 1])));
  }
}

const says = (text) => (td) => { if (td.textContent !== text) td.textContent = text; };

/** A bar from the middle for each of several values, whose colours are those of `whos`. */
function bars(values, most, whos) {
  return (td) => {
    if (td.childElementCount !== values.length) td.replaceChildren(...whos.map((who) => h("span", { class: "term", "data-who": who }, h("i", {}))));
    values.forEach((value, k) => {
      const share = most ? Math.abs(value) / most : 0;
      const { style } = td.children[k].firstChild;
      style.setProperty("--from", `${50 - (value < 0 ? 50 * share : 0)}%`);
      style.setProperty("--long", `${50 * share}%`);
    });
  };
}

export class WatchPage {
  constructor(view) {
    this.view = view;
    this.hello = null;
    this.told = null;
    this.held = new Set();
    this.came = this.painted = 0;
    this.seen = new Set(); // terms that have ever counted
    this.built = "";
    view.replaceChildren(h("p", { class: "waiting", role: "status" }, "The curtain rises…"));
    link.path = "/watch";
    link.key = "watch";
    link.heard = (message) => { if (message.type === "hello") { this.hello = message; this.built = ""; } };
    link.seen = (buffer) => this.receive(buffer);
    link.send({ do: "join" });
  }

  // ---- what comes

  async receive(buffer) {
    const length = new DataView(buffer).getUint32(0);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const number = this.came += 1;
    let at = 4 + length;
    const pictures = told.pictures.map((size) => { at += size; return new Blob([new Uint8Array(buffer, at - size, size)], { type: "image/jpeg" }); });
    const drawn = await Promise.all(pictures.map((picture) => createImageBitmap(picture)));
    if (number < this.painted || !this.hello || link.path !== "/watch") return; // a later one has overtaken it
    this.painted = number;
    this.show(told, drawn);
  }

  who(name) {
    const agents = this.told.panes.map((pane) => pane.name).filter((one) => one !== "You" || !this.told.driver);
    return name === "You" && this.told.driver ? "you" : String(Math.max(0, agents.indexOf(name)));
  }

  get mine() { return this.told !== null && this.told.driver === this.hello.you; }

  show(told, drawn) {
    const before = this.told;
    this.told = told;
    const shape = JSON.stringify([told.panes.map((pane) => pane.name), this.mine, Boolean(told.driver)]);
    if (this.built !== shape) { this.built = shape; this.build(); }
    told.panes.forEach((pane, k) => {
      const { canvas, total, badge } = this.panes[k];
      const picture = drawn[k];
      if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
      canvas.getContext("2d").drawImage(picture, 0, 0);
      total.textContent = short(pane.return);
      const ended = Object.entries(pane.metrics).filter(([, [value, kind]]) => kind === "rate" && value === 1).map(([name]) => spoken(name));
      badge.textContent = pane.over ? ended.slice(0, 2).join(", ") || "over" : `step ${pane.step}`;
      badge.classList.toggle("over", pane.over);
      this.panes[k].looked.show(pane.looked, pane.over);
      this.panes[k].looked.node.hidden = told.explains === null || (pane.name === "You" && Boolean(told.driver));
    });
    this.view.querySelector(".panes").classList.toggle("explained", told.explains !== null);
    this.looks.setAttribute("aria-pressed", told.explains !== null);
    this.seed.textContent = `scenario ${told.seed}`;
    if (!before || before.seed !== told.seed) { if (document.activeElement !== this.field) this.field.value = told.seed; }
    this.speed.value = told.speed;
    const stands = told.paused || told.waits;
    this.buttons.pause.replaceChildren(icon(stands ? "play" : "pause"));
    this.buttons.pause.setAttribute("aria-label", stands ? "Go on" : "Pause");
    this.say(told);
    this.sheets(told);
    document.title = `${this.hello.world.split(" ")[0]} – Quadrivium`;
    this.view.firstChild.dataset.step = Math.max(...told.panes.map((pane) => pane.step));
    this.view.firstChild.dataset.seed = told.seed;
    this.view.firstChild.classList.toggle("stands", stands);
  }

  say(told) {
    const all = told.panes.every((pane) => pane.over);
    const own = Boolean(told.driver) && told.panes[0].over;
    const text = told.note ? told.note
      : told.waits ? (this.mine ? "Press an arrow key, and off you go." : "Somebody has taken the wheel.")
      : all && told.driver ? this.verdict(told)
      : told.paused ? "Paused."
      : all ? "The next scenario begins in a moment."
      : own && this.mine ? "Yours is over; the others play on."
      : this.mine ? "You are at the wheel." : told.driver ? "Somebody else is at the wheel." : "";
    if (this.status.textContent !== text) this.status.textContent = text;
    this.finish.hidden = !own;
  }

  verdict(told) {
    const [own, ...others] = told.panes;
    const best = others.reduce((a, b) => ((b.return ?? -Infinity) > (a.return ?? -Infinity) ? b : a));
    const lead = own.return - best.return;
    const who = this.mine ? "You" : "The driver";
    if (lead === 0) return `${who} and ${best.name} reached the same: ${short(own.return)}.`;
    return `${who} reached ${short(own.return)}, ${best.name} ${short(best.return)}: ${lead > 0 ? `${short(lead)} ahead of it` : `${short(-lead)} behind it`}.`;
  }

  sheets(told) {
    const { panes } = told;
    const names = panes.map((pane) => pane.name);
    const whos = names.map((name) => this.who(name));
    this.draw(panes, whos);
    for (const pane of panes) for (const [name, value] of Object.entries(pane.terms)) if (value) this.seen.add(name);
    const terms = [...this.seen];
    const most = Math.max(...panes.flatMap((pane) => terms.map((name) => Math.abs(pane.terms[name] || 0))), 0);
    const paid = (name) => panes.map((pane) => pane.terms[name] ?? 0);
    this.terms.show(["", ...names], terms.map((name) => [spoken(name), [bars(paid(name), most, whos), ...paid(name).map((value) => says(short(value)))]]), ["", ...whos]);
    const measures = Object.keys(panes.find((pane) => Object.keys(pane.metrics).length)?.metrics ?? {});
    this.metrics.show(names, measures.map((name) => [spoken(name), panes.map((pane) => says(pane.metrics[name] ? measure(pane.metrics[name]) : "–"))]), whos);
    const players = Object.keys(told.means);
    this.episodes.show(players, [
      ...told.played.map((one, k) => [`${one.seed}${"\u200b".repeat(k)}`, players.map((name) => says(name in one.returns ? short(one.returns[name]) : ""))]),
      ...(told.played.length ? [["mean", players.map((name) => says(`${short(told.means[name][1])} of ${told.means[name][0]}`))]] : []),
    ], players.map((name) => this.who(name)));
  }

  draw(panes, whos) {
    const [width, height] = CHART;
    const last = Math.max(10, ...panes.map((pane) => pane.step));
    const values = panes.flatMap((pane) => pane.curve.map(([, y]) => y ?? 0));
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    const span = high - low || 1;
    const at = ([x, y]) => `${(width * x / last).toFixed(1)},${(height - 6 - (height - 12) * ((y ?? 0) - low) / span).toFixed(1)}`;
    const zero = at([0, 0]).split(",")[1];
    this.chart.replaceChildren(s("line", { x1: 0, y1: zero, x2: width, y2: zero }),
      ...panes.map((pane, k) => s("polyline", { points: pane.curve.map(at).join(" "), "data-who": whos[k] })));
    this.scale.replaceChildren(h("span", {}, short(high)), h("span", {}, short(low)));
  }

  // ---- the page

  build() {
    const { told, hello } = this;
    const button = (shape, label, key, act, cls = "") => h("button", { type: "button", class: cls, "aria-label": label, title: `${label} (${key})`, "aria-keyshortcuts": key, onclick: act }, icon(shape));
    this.buttons = {
      again: button("again", "The same scenario again", "R", () => link.send({ do: "again" })),
      pause: button("pause", "Pause", "P", () => this.pause(), "main"),
      step: button("on", "One step", ".", () => link.send({ do: "step" })),
      next: button("last", "Next scenario", "N", () => link.send({ do: "next" })),
    };
    this.speed = h("select", { "aria-label": "Speed", title: "Speed (+ and −)", onchange: () => link.send({ do: "speed", speed: Number(this.speed.value) }) },
      hello.speeds.map((speed, k) => h("option", { value: k }, `${speed} ×`)));
    this.field = h("input", { type: "text", inputmode: "numeric", maxlength: 10, "aria-label": "Seed of the scenario", size: 9, value: told.seed });
    const form = h("form", { class: "seed", onsubmit: (event) => { event.preventDefault(); this.go(); } }, h("label", {}, "seed ", this.field), h("button", {}, "Go"));
    this.panes = told.panes.map((pane) => {
      const canvas = h("canvas", { role: "img", "aria-label": `What ${pane.name} does`, width: 640, height: 360 });
      const looked = new Looked((target) => link.send({ do: "explain", on: true, target }));
      const [total, badge] = [h("output", { class: "total", title: "return so far" }), h("small", { class: "badge" })];
      const node = h("section", { class: "pane", "data-who": this.who(pane.name) }, h("header", {}, h("i", { class: "dot" }), h("h2", {}, pane.name), badge, total), canvas, looked.node);
      return { node, canvas, total, badge, looked };
    });
    this.looks = h("button", { type: "button", class: "looks", title: "E", "aria-keyshortcuts": "E", "aria-pressed": "false", onclick: () => this.look() }, "What it looks at");
    this.status = h("p", { class: "status", role: "status" });
    this.finish = h("div", { class: "buttons finish", hidden: true },
      h("button", { type: "button", class: "primary", onclick: () => link.send({ do: "again" }) }, "Again (R)"), h("button", { type: "button", onclick: () => link.send({ do: "next" }) }, "Next scenario (N)"));
    this.seed = h("span", {});
    const [world, ...about] = hello.world.split(" ");
    const rest = about.join(" ").replace(/^\((.*)\)$/, "$1");
    this.chart = s("svg", { viewBox: `0 0 ${CHART.join(" ")}`, preserveAspectRatio: "none", role: "img", "aria-label": "How the return grew" });
    this.scale = h("div", { class: "scale", "aria-hidden": "true" });
    this.terms = new Sheet("Reward, term by term", "terms");
    this.metrics = new Sheet("Metrics", "metrics");
    this.episodes = new Sheet("Scenarios so far", "episodes");
    this.view.replaceChildren(h("div", { class: "watch" },
      h("div", { class: "about" }, h("h1", {}, world), h("p", {}, rest ? `${rest}, ` : "", this.seed)),
      h("div", { class: `panes of-${this.panes.length}` }, this.panes.map((pane) => pane.node)),
      h("div", { class: "desk" }, h("div", { class: "transport" }, Object.values(this.buttons)), this.speed, form, this.looks, this.wheel()),
      this.mine ? this.pad() : null,
      h("div", { class: "said" }, this.status, this.finish),
      h("div", { class: `sheets of-${this.panes.length}` }, h("section", { class: "sheet curve" }, h("h2", {}, "Return"), h("div", { class: "chart-frame" }, this.chart, this.scale)),
        this.terms.node, this.metrics.node, this.episodes.node)));
  }

  wheel() {
    const { told, hello } = this;
    if (!hello.wheel) return null;
    const text = this.mine ? "Let the wheel go" : told.driver ? "The wheel is taken" : "Take the wheel";
    return h("button", { type: "button", class: `wheel ${this.mine ? "" : "primary"}`, disabled: Boolean(told.driver) && !this.mine, title: "T", "aria-keyshortcuts": "T",
      onclick: (event) => { event.currentTarget.blur(); this.take(); } }, text);
  }

  pad() {
    const key = (name) => {
      const node = h("button", { type: "button", class: `key ${name}`, "data-key": name, "aria-label": this.hello.wheel[name] || name, disabled: !this.hello.wheel[name], tabindex: "-1" },
        icon(name), h("span", {}, this.hello.wheel[name] || ""));
      const off = () => this.hold(name, false);
      node.addEventListener("pointerdown", (event) => { event.preventDefault(); this.hold(name, true); });
      for (const end of ["pointerup", "pointerleave", "pointercancel"]) node.addEventListener(end, off);
      node.addEventListener("contextmenu", (event) => event.preventDefault());
      return node;
    };
    return h("div", { class: "pad", role: "group", "aria-label": "The wheel: arrow keys, or W, A, S, D" }, ["left", "up", "down", "right"].map(key));
  }

  // ---- what is wanted

  pause() { link.send({ do: "pause", on: !(this.told.paused || this.told.waits) }); }

  look() { link.send({ do: "explain", on: this.told.explains === null }); }

  take() {
    this.held.clear();
    link.send({ do: "wheel", on: !this.mine });
  }

  go() {
    const seed = this.field.value.trim();
    link.send({ do: "seed", seed: /^\d+$/.test(seed) ? Number(seed) : seed });
    this.field.blur();
  }

  faster(by) {
    const speed = this.told.speed + by;
    if (speed >= 0 && speed < this.hello.speeds.length) link.send({ do: "speed", speed });
  }

  hold(name, on) {
    if (!this.mine || this.held.has(name) === on) return;
    if (on) this.held.add(name); else this.held.delete(name);
    for (const node of this.view.querySelectorAll(".key")) node.classList.toggle("held", this.held.has(node.dataset.key));
    link.send({ do: "keys", held: [...this.held] });
  }

  letGo() { for (const name of [...this.held]) this.hold(name, false); }

  key(event) {
    if (!this.told) return;
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (this.mine && name) {
      event.preventDefault();
      if (!event.repeat) this.hold(name, true);
      return;
    }
    if (event.key === " " && event.target.tagName === "BUTTON") return;
    const deeds = { p: () => this.pause(), " ": () => this.pause(), ".": () => link.send({ do: "step" }), n: () => link.send({ do: "next" }),
      r: () => link.send({ do: "again" }), "+": () => this.faster(1), "-": () => this.faster(-1), t: () => { if (this.hello.wheel && (this.mine || !this.told.driver)) this.take(); },
      e: () => this.look(), escape: () => { if (this.mine) this.take(); } };
    const deed = deeds[event.key.toLowerCase()];
    if (deed) { event.preventDefault(); deed(); }
  }

  released(event) {
    const name = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (name) this.hold(name, false);
  }
}
