// What a player looked at when it decided: the parts that counted most, beside the picture that shows where they are.

import { capital, h, plural } from "./tools.js";

const COLUMNS = 3; // of what is explained, that are shown beside one another

/** A number with its sign, as short as it can be read. */
function counted(x, sign = true) {
  const size = Math.abs(x);
  const text = size === 0 ? "0" : size >= 100 ? size.toFixed(0) : size >= 1 ? size.toFixed(2) : size >= 0.0005 ? size.toFixed(3) : size.toExponential(0).replace("-", "−");
  return `${x < 0 ? "−" : sign && x > 0 ? "+" : ""}${text}`;
}

const side = (x) => (x > 0 ? "for" : x < 0 ? "against" : "");

export class Looked {
  /** choose(number): asks for another target on the picture. */
  constructor(choose) {
    this.line = h("p", { class: "decided" });
    this.choice = h("select", { "aria-label": "What is explained", onchange: () => choose(Number(this.choice.value)) });
    this.picker = h("label", { class: "picker" }, "explained: ", this.choice);
    this.table = h("table", {});
    this.maps = h("div", { class: "maps" });
    this.node = h("div", { class: "looked", hidden: true }, this.line, this.picker, h("div", { class: "scroll" }, this.table), this.maps);
    this.drawn = "";
  }

  show(told, over) {
    const text = JSON.stringify([told, over]);
    if (text === this.drawn) return;
    this.drawn = text;
    const known = Boolean(told && told.rows);
    this.node.classList.toggle("waits", Boolean(told && told.waits));
    if (told && told.waits && !this.table.hidden && this.table.childElementCount) return; // the last one stays until the next is known
    for (const node of [this.picker, this.table, this.maps]) node.hidden = !known;
    if (!known) {
      this.line.textContent = told ? told.why || "Looking into it…" : over ? "It is over: nothing is left to decide." : "";
      return;
    }
    this.line.replaceChildren("Next action ", h("b", {}, String(told.action).replaceAll("-", "−").replaceAll(",", " · ")), `, after ${plural(told.decision, "step")}.`, told.note ? h("small", {}, ` ${capital(told.note)}.`) : "");
    this.options(told);
    this.fill(told);
    this.maps.replaceChildren(...told.maps.map(({ name, limit, picture }) => h("figure", {}, h("img", { src: picture, alt: name }), h("figcaption", {}, `${name}; deepest colour ${counted(limit, false)}`))));
  }

  options({ targets, target }) {
    if (this.choice.childElementCount !== targets.length) this.choice.replaceChildren(...targets.map(({ name }, k) => h("option", { value: k }, name)));
    this.choice.value = target;
  }

  fill({ targets, target, rows, others }) {
    const every = targets.map((_, k) => k);
    const shown = targets.length <= COLUMNS ? every : [...new Set([target, targets.length - 1])];
    const shares = rows.some(({ share }) => share !== null);
    const several = new Set(rows.map(({ part }) => part)).size > 1;
    const most = Math.max(...rows.map(({ weights }) => Math.abs(weights[target])), 1e-12);
    const cells = (weights) => shown.map((k) => {
      const cell = h("td", { class: `${side(weights[k])} ${k === target ? "chosen" : ""}` }, counted(weights[k]));
      if (k === target) cell.style.setProperty("--share", `${Math.min(100, 100 * Math.abs(weights[k]) / most)}%`);
      return cell;
    });
    const account = (name, key, sign) => h("tr", {}, h("th", { scope: "row" }, name), shown.map((k) => h("td", {}, counted(targets[k][key], sign))), shares ? h("td", {}) : null);
    this.table.replaceChildren(
      h("thead", {}, h("tr", {}, h("td", {}), shown.map((k) => h("th", { scope: "col" }, targets[k].name)), shares ? h("th", { scope: "col" }, "attention") : null)),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.name, row.detail || several ? h("small", {}, row.detail || row.part) : null), cells(row.weights),
        shares ? h("td", {}, row.share === null ? "" : `${(100 * row.share).toFixed(0)} %`) : null)),
      others ? h("tr", {}, h("th", { scope: "row" }, `${others.count} other${others.count === 1 ? "" : "s"}`), shown.map((k) => h("td", { class: side(others.weights[k]) }, counted(others.weights[k]))), shares ? h("td", {}) : null) : null),
      h("tfoot", {}, account("baseline", "baseline", false), account("together", "output", false), account("completeness error", "error", true)));
  }
}
