// The pages: choose a game, play it, look at tournaments. Plain JavaScript, nothing from elsewhere.

import { ask, capital, h, icon, link, percent, plural, s, signed, toast } from "./tools.js";
import { WatchPage } from "./watch.js";

// ---- the board

const CELL = 100;
const RADIUS = CELL / Math.sqrt(3); // of a hexagon
const PILE = 5; // checkers of a point that are drawn, of more their number is told

/** A board as SVG. spec: as `drawing.board` says it; pick(row, column) hears what is clicked or entered. */
class Board {
  constructor(spec, { pick = null, label = "", flipped = false } = {}) {
    Object.assign(this, { spec, pick, flipped });
    const { height, width, look } = spec;
    this.hexagonal = look === "hexagons";
    this.tall = look === "points" ? 4.6 : 1; // a cell's height by its width
    this.size = this.hexagonal
      ? [(width + (height - 1) / 2) * CELL, (1.5 * (height - 1) + 2) * RADIUS]
      : [width * CELL, height * this.tall * CELL];
    const font = (this.hexagonal ? 0.026 : 0.032) * Math.max(...this.size);
    const rim = look === "holes" ? 10 : this.hexagonal ? 14 : 0;
    const left = pick || label ? 1.7 * font : 0;
    const above = left && look === "points" ? left : left && 0.25 * font;
    const frame = [-left - rim, -rim - above, this.size[0] + 2 * rim + left + (left ? 0.3 * font : 0), this.size[1] + 2 * rim + left + above];
    this.svg = s("svg", { class: `board ${look}`, viewBox: frame.join(" "), role: "group", "aria-label": label || null,
      "aria-hidden": label ? null : "true" });
    this.ratio = frame[2] / frame[3];
    this.svg.append(this.ground(rim));
    if (left) this.svg.append(this.labels(font, rim));
    this.under = s("g", {});
    this.layer = s("g", { role: pick ? "grid" : null });
    this.over = s("g", { class: "over" });
    this.cells = [];
    for (let row = 0; row < height; row += 1) {
      const line = s("g", { role: pick ? "row" : null });
      for (let column = 0; column < width; column += 1) line.append(this.cell(row, column));
      this.layer.append(line);
    }
    this.svg.append(this.under, this.layer, this.over);
    if (pick) {
      this.cells[0].node.setAttribute("tabindex", "0");
      this.layer.addEventListener("keydown", (event) => this.steer(event));
    }
  }

  centre(row, column) {
    const across = this.spec.look === "points" ? column : this.spec.width - 1 - column;
    const [y, x] = this.flipped ? [this.spec.height - 1 - row, across] : [row, column];
    return this.hexagonal
      ? [(x + 0.5 + y / 2) * CELL, (1.5 * y + 1) * RADIUS]
      : [(x + 0.5) * CELL, (y + 0.5) * this.tall * CELL];
  }

  /** How far below its cell's centre the k-th checker of a point lies: they are piled up from the rim. Elsewhere 0. */
  piled(row, k) {
    if (this.spec.look !== "points") return 0;
    const fromRim = (0.46 + 0.82 * Math.max(0, Math.min(k, PILE - 1))) * CELL;
    return (row > 0) === this.flipped ? fromRim - this.tall * CELL / 2 : this.tall * CELL / 2 - fromRim;
  }

  name(row, column) {
    const { letters, height, look, rowsFromTop } = this.spec;
    if (look === "points") return row || !Number(letters[column]) ? letters[column] : String(25 - letters[column]);
    return letters[column] + (rowsFromTop ? row + 1 : height - row);
  }

  paint(value) {
    return this.spec.players[value > 0 ? 0 : 1];
  }

  hexagon(width) {
    const corners = [0, 1, 2, 3, 4, 5].map((k) => (k / 3 - 0.5) * Math.PI);
    return corners.map((a) => [width / Math.sqrt(3) * Math.cos(a), width / Math.sqrt(3) * Math.sin(a)]);
  }

  ground(rim) {
    const { height, width, look } = this.spec;
    const [w, hgt] = this.size;
    const group = s("g", { class: "ground" });
    const box = (cls, x, y, a, b, r = 0) => group.append(s("rect", { class: cls, x, y, width: a, height: b, rx: r }));
    const line = (x1, y1, x2, y2) => group.append(s("line", { x1, y1, x2, y2 }));
    if (look === "squares") {
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          const [x, y] = this.centre(row, column);
          const dark = (height - 1 - row + width - 1 - column) % 2;
          box(dark ? "dark" : "light", x - CELL / 2, y - CELL / 2, CELL, CELL);
        }
      }
    } else if (look === "holes") {
      box("rack", -rim, -rim, w + 2 * rim, hgt + 2 * rim, 26);
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          const [cx, cy] = this.centre(row, column);
          group.append(s("circle", { class: "hole-rim", cx, cy, r: 43 }), s("circle", { class: "hole", cx, cy, r: 40 }));
        }
      }
    } else if (look === "stones") {
      box("wood", 0, 0, w, hgt, 10);
      for (let k = 0; k < height; k += 1) line(50, 50 + k * CELL, w - 50, 50 + k * CELL);
      for (let k = 0; k < width; k += 1) line(50 + k * CELL, 50, 50 + k * CELL, hgt - 50);
      for (const [row, column] of starPoints(height, width)) {
        const [cx, cy] = this.centre(row, column);
        group.append(s("circle", { class: "star", cx, cy, r: 10 }));
      }
    } else if (look === "points") {
      box("wood", 0, 0, w, hgt, 10);
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          const [x, y] = this.centre(row, column);
          const down = y < hgt / 2 ? 1 : -1;
          const [rim, tip] = [y - down * this.tall * CELL / 2, y + down * 0.4 * this.tall * CELL];
          if (Number(this.spec.letters[column])) {
            const points = `${x - 48},${rim} ${x + 48},${rim} ${x},${tip}`;
            group.append(s("polygon", { class: column % 2 === Number(column > 6) ? "point" : "point pale", points }));
          } else box("aside", x - CELL / 2, y - this.tall * CELL / 2, CELL, this.tall * CELL);
        }
      }
    } else if (this.hexagonal) {
      const band = (paint, row, column, corners) => {
        const [x, y] = this.centre(row, column);
        const points = this.hexagon(CELL);
        const path = corners.map((k) => `${x + points[k][0]},${y + points[k][1]}`).join(" ");
        group.append(s("polyline", { class: "band", "data-paint": this.spec.players[paint], points: path }));
      };
      for (let k = 0; k < width; k += 1) { band(0, 0, k, [5, 0, 1]); band(0, height - 1, k, [2, 3, 4]); }
      for (let k = 0; k < height; k += 1) {
        band(1, k, 0, k < height - 1 ? [3, 4, 5] : [4, 5]);
        band(1, k, width - 1, k ? [0, 1, 2] : [1, 2]);
      }
      for (let row = 0; row < height; row += 1) {
        for (let column = 0; column < width; column += 1) {
          const [x, y] = this.centre(row, column);
          const points = this.hexagon(CELL).map(([a, b]) => `${x + a},${y + b}`).join(" ");
          group.append(s("polygon", { class: "comb", points }));
        }
      }
    } else {
      const marks = look === "marks";
      box(marks ? "slate" : "felt", 0, 0, w, hgt, 10);
      for (let k = 1; k < width; k += 1) line(k * CELL, marks ? 6 : 0, k * CELL, marks ? hgt - 6 : hgt);
      for (let k = 1; k < height; k += 1) line(marks ? 6 : 0, k * CELL, marks ? w - 6 : w, k * CELL);
      if (!marks) {
        for (const x of [2, width - 2]) {
          for (const y of [2, height - 2]) group.append(s("circle", { class: "star", cx: x * CELL, cy: y * CELL, r: 8 }));
        }
      }
    }
    return group;
  }

  labels(font, rim) {
    const { height, width } = this.spec;
    const group = s("g", { class: "labels", "font-size": font, "aria-hidden": "true" });
    const below = this.flipped ? 0 : height - 1;
    if (this.spec.look === "points") {
      for (const { row, y } of [{ row: below, y: this.size[1] + 1.15 * font }, { row: 1 - below, y: -0.45 * font }]) {
        for (let column = 0; column < width; column += 1) group.append(s("text", { x: this.centre(row, column)[0], y }, this.name(row, column)));
      }
      return group;
    }
    for (let column = 0; column < width; column += 1) {
      const [x] = this.centre(below, column);
      group.append(s("text", { x, y: this.size[1] + rim + 1.15 * font }, this.spec.letters[column]));
    }
    for (let row = 0; row < height; row += 1) {
      const [x, y] = this.centre(row, this.flipped ? width - 1 : 0);
      const at = { x: x - CELL / 2 - rim - 0.8 * font, y: y + 0.35 * font };
      group.append(s("text", at, this.name(row, 0).slice(1)));
    }
    return group;
  }

  cell(row, column) {
    const [x, y] = this.centre(row, column);
    const spare = (this.tall - 1) * CELL;
    const shape = (cls, width) => this.hexagonal
      ? s("polygon", { class: cls, points: this.hexagon(width).map((p) => p.join(",")).join(" ") })
      : ["holes", "stones"].includes(this.spec.look) ? s("circle", { class: cls, r: width / 2 - (cls === "hit" ? 8 : 0) })
      : s("rect", { class: cls, x: -width / 2, y: -(width + spare) / 2, width, height: width + spare, rx: cls === "focus" ? 10 : 0 });
    const node = s("g", { class: "cell", transform: `translate(${x} ${y})`, role: this.pick ? "gridcell" : null,
      tabindex: this.pick ? "-1" : null });
    const slot = { row, column, node, value: 0, piece: null };
    if (this.pick) node.addEventListener("click", () => { this.enter(slot, false); this.pick(row, column); });
    node.append(shape("hit", CELL), s("g", { class: "man" }), s("g", { class: "signs" }), shape("focus", CELL - 6));
    this.cells.push(slot);
    return node;
  }

  enter(slot, focus = true) {
    for (const other of this.cells) other.node.setAttribute("tabindex", other === slot ? "0" : "-1");
    if (focus) slot.node.focus();
  }

  steer(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const at = this.cells.find((slot) => slot.node === document.activeElement);
    if (!at) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.pick(at.row, at.column);
    } else if (event.key in steps && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const turned = this.flipped && this.spec.look !== "points";
      const [dy, dx] = [this.flipped ? -steps[event.key][0] : steps[event.key][0], turned ? -steps[event.key][1] : steps[event.key][1]];
      const next = this.at(at.row + dy, at.column + dx);
      if (next) this.enter(next);
    }
  }

  at(row, column) {
    const { height, width } = this.spec;
    return row < 0 || column < 0 || row >= height || column >= width ? null : this.cells[row * width + column];
  }

  /** Shows a position: {cells, last}; legal: cells to mark, as "row,column"; chosen: a cell that was picked up. */
  show(position, { legal = new Set(), chosen = null, interactive = false } = {}) {
    const last = new Set(position.last.map(String));
    const below = ["squares", "marks"].includes(this.spec.look);
    for (const slot of this.cells) {
      const key = `${slot.row},${slot.column}`;
      const value = position.cells[slot.row * this.spec.width + slot.column];
      const [hit, man, marks] = slot.node.children;
      if (value !== slot.value || !slot.known) {
        man.replaceChildren(...(value ? [this.man(value, slot.row)] : []));
        man.classList.toggle("new", Boolean(slot.known && value));
        slot.value = value;
        slot.known = true;
      }
      hit.classList.toggle("last", below && last.has(key));
      hit.classList.toggle("chosen", chosen === key);
      const told = [];
      if (last.has(key) && !below) told.push(this.mark(value, slot.row));
      if (legal.has(key)) {
        const cy = this.piled(slot.row, Math.abs(value) - 1);
        told.push(s("circle", { class: value ? "legal taken" : "legal", r: value ? 44 : this.dense ? 8 : 12, cy }));
      }
      marks.replaceChildren(...told);
      slot.node.classList.toggle("open", interactive && legal.has(key));
      if (this.pick) {
        const who = value ? this.pieceName(value) : "empty";
        const more = (last.has(key) ? ", last move" : "") + (legal.has(key) ? ", can be played" : "") + (chosen === key ? ", chosen" : "");
        slot.node.setAttribute("aria-label", `${this.name(slot.row, slot.column)}: ${who}${more}`);
      }
    }
  }

  pieceName(value) {
    const kinds = ["", "pawn", "knight", "bishop", "rook", "queen", "king"];
    if (this.spec.look === "points") return `${Math.abs(value)} ${this.paint(value)}`;
    const kind = this.spec.chessmen ? kinds[Math.abs(value)] : this.spec.look === "squares" ? "pawn" : "stone";
    return `${this.paint(value)} ${kind}`;
  }

  man(value, row) {
    const paint = this.paint(value);
    const group = s("g", { "data-paint": paint });
    const disc = (cls, r, cy = 0) => group.append(s("circle", { class: cls, r, cy }));
    const { look } = this.spec;
    if (look === "squares") {
      const letter = this.spec.chessmen ? "PNBRQK"[Math.abs(value) - 1] : "P";
      group.append(chessman(this.spec.men[letter]));
    } else if (look === "marks") {
      if (value > 0) group.append(s("path", { class: "stroke", d: "M-25-25 25 25M25-25-25 25" }));
      else group.append(s("circle", { class: "stroke", r: 26 }));
    } else if (look === "holes") {
      disc("rim", 40);
      disc("fill", 34.4);
      if (value > 0) disc("ring", 24);
      else for (const a of [0, 1, 2, 3]) group.append(s("circle", { class: "rim", r: 5, cx: 20 * Math.cos(a * Math.PI / 2), cy: 20 * Math.sin(a * Math.PI / 2) }));
    } else if (look === "stones") {
      disc("shadow", 47, 5);
      group.append(s("circle", { class: "fill", r: 46 }), s("circle", { class: "shade", r: 46 }),
        s("ellipse", { class: "gleam", cx: -15, cy: -18, rx: 15, ry: 11, transform: "rotate(-40 -15 -18)" }));
    } else if (this.hexagonal) {
      disc("shadow", 37, 4);
      disc("rim", 36);
      disc("fill", 32);
      if (value < 0) disc("hollow", 17);
    } else {
      const count = look === "points" ? Math.abs(value) : 1;
      for (let k = 0; k < Math.min(count, PILE); k += 1) {
        const cy = this.piled(row, k);
        disc("shadow", 41, cy + 4);
        disc("rim", 40, cy + 1.6);
        disc("fill", 39, cy - 1.2);
        if (look !== "points") disc("ring", 33, -1.2);
      }
      if (count > PILE) group.append(s("text", { class: "count", y: this.piled(row, PILE) + 12 }, count));
    }
    return group;
  }

  mark(value, row) {
    const paint = value ? this.paint(value) : this.spec.players[1];
    const { look } = this.spec;
    if (look === "holes") return s("circle", { class: "dot", "data-paint": paint, r: 12 });
    return s("circle", { class: "last-ring", "data-paint": paint, r: look === "hexagons" ? 24 : 22, cy: this.piled(row, Math.abs(value) - 1) });
  }

  /** Where on the board what stands in a cell is seen. */
  top([row, column]) {
    const [x, y] = this.centre(row, column);
    return [x, y + this.piled(row, Math.abs(this.at(row, column).value) - 1)];
  }

  /** Draws what a search and a policy give to moves: violet areas and light rings, or arrows between cells. */
  opine(moves) {
    const drawn = [];
    const arrows = moves.filter((move) => move.from).slice(0, 5);
    for (const move of [...moves].reverse()) {
      if (!move.to || Math.max(move.search, move.policy || 0) < (move.from ? 0.03 : 0.01)) continue;
      if (move.from && !arrows.includes(move)) continue;
      const [x, y] = this.top(move.to);
      if (move.from) {
        const [x0, y0] = this.top(move.from);
        if (move.policy) drawn.push(arrow(x0, y0, x, y, Math.max(3, 12 * Math.sqrt(move.policy)), "policy"));
        if (move.search) drawn.push(arrow(x0, y0, x, y, Math.max(3, 26 * Math.sqrt(move.search)), "search"));
        continue;
      }
      const radius = (share) => 43 * Math.sqrt(share);
      if (move.search) drawn.push(s("circle", { class: "search", cx: x, cy: y, r: radius(move.search) }));
      if (move.policy) {
        drawn.push(s("circle", { class: "policy-edge", cx: x, cy: y, r: radius(move.policy) }));
        drawn.push(s("circle", { class: "policy", cx: x, cy: y, r: radius(move.policy) }));
      }
      if (radius(move.search) > 20) drawn.push(s("text", { x, y: y + 9, "font-size": 26 }, Math.round(100 * move.search)));
    }
    this.over.replaceChildren(...drawn);
  }
}

function arrow(x0, y0, x1, y1, width, cls) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  const head = 16 + 0.8 * width;
  const half = 8 + 0.8 * width;
  const at = (along, aside) => `${x0 + ux * along - uy * aside},${y0 + uy * along + ux * aside}`;
  const last = length + 14;
  const points = [at(24, -width / 2), at(last - head, -width / 2), at(last - head, -half), at(last, 0),
    at(last - head, half), at(last - head, width / 2), at(24, width / 2)];
  return s("polygon", { class: `${cls} arrow`, points: points.join(" ") });
}

function starPoints(height, width) {
  if (height !== width || height < 7) return [];
  const edge = height < 12 ? 2 : 3;
  const lines = [edge, height - 1 - edge];
  const corners = lines.flatMap((row) => lines.map((column) => [row, column]));
  if (height % 2 === 0) return corners;
  const middle = (height - 1) / 2;
  const sides = [[edge, middle], [middle, edge], [middle, lines[1]], [lines[1], middle]];
  return [...corners, [middle, middle], ...(height >= 19 ? sides : [])];
}

function chessman(shape) {
  const group = s("g", { class: "chessman", transform: "scale(1.08) translate(-50 -50)" });
  const path = (points, closed) => `M${points.map((p) => p.join(" ")).join("L")}${closed ? "Z" : ""}`;
  for (const cls of ["edge", "body"]) {
    for (const points of shape.outlines) group.append(s("path", { class: cls, d: path(points, true) }));
    for (const [cx, cy, r] of shape.discs) group.append(s("circle", { class: cls, cx, cy, r }));
  }
  for (const points of shape.lines) group.append(s("path", { class: "detail", d: path(points, false) }));
  for (const [cx, cy, r] of shape.dots) group.append(s("circle", { class: "detail-dot", cx, cy, r }));
  return group;
}

/** A small board with a few pieces, to be recognised by. */
function thumbnail(spec) {
  const board = new Board(spec);
  const { height, width, look } = spec;
  const cells = new Array(height * width).fill(0);
  const put = (row, column, value) => { cells[row * width + column] = value; };
  if (spec.chessmen) [4, 2, 3, 5, 6, 3, 2, 4].forEach((kind, k) => { put(0, k, -kind); put(1, k, -1); put(6, k, 1); put(7, k, kind); });
  else if (look === "squares") for (let k = 0; k < width; k += 1) [[0, -1], [1, -1], [height - 2, 1], [height - 1, 1]].forEach(([r, v]) => put(r, k, v));
  else {
    const [y, x] = [Math.floor(height / 2), Math.floor(width / 2)];
    if (look === "holes") [[5, 3, 1], [4, 3, -1], [5, 2, -1], [5, 4, 1], [3, 3, 1], [5, 1, 1], [4, 2, -1]].forEach((p) => put(...p));
    else if (look === "discs") [[y - 1, x - 1, -1], [y, x, -1], [y - 1, x, 1], [y, x - 1, 1]].forEach((p) => put(...p));
    else if (look === "points") [[0, 0, 5], [0, 4, -3], [0, 7, -5], [1, 0, -5], [1, 4, 3], [1, 7, 5]].forEach((p) => put(...p));
    else if (look === "marks") [[1, 1, 1], [0, 2, -1], [2, 0, 1]].forEach((p) => put(...p));
    else [[y, x, 1], [y - 1, x + 1, -1], [y, x + 1, 1], [y + 1, x - 1, -1], [y - 1, x, 1], [y - 2, x + 2, -1]].forEach((p) => put(...p));
  }
  board.show({ cells, last: [] });
  return board.svg;
}

/** A board with what stands below it, as wide as the window lets it be. */
function table(board, ...below) {
  const section = h("section", { class: "table" }, board.svg, ...below);
  section.style.setProperty("--ratio", board.ratio);
  return section;
}

/** A row for each turn of the first player and the second's answer. movers: seats by move; told(ply): a move. */
function rounds(movers, told) {
  const turns = [];
  movers.forEach((seat, ply) => {
    if (ply && seat === movers[ply - 1]) turns.at(-1).push(" ", told(ply));
    else {
      if (turns.length % 2 !== seat) turns.push([]);
      turns.push([told(ply)]);
    }
  });
  const rows = [];
  for (let k = 0; k < turns.length; k += 2) rows.push(h("li", {}, turns.slice(k, k + 2).flatMap((turn) => [h("div", {}, turn), " "])));
  return rows;
}

function token(player) {
  return s("svg", { class: "token", viewBox: "-12 -12 24 24", "aria-hidden": "true" },
    s("g", { "data-paint": player }, s("circle", { class: "rim", r: 10 }), s("circle", { class: "fill", r: 8.4 })));
}

// ---- the server

const offered = {};

// ---- choosing

const view = document.getElementById("view");
const kept = { board: null, seats: [null, 0], strength: {}, advice: true };

function remembered() {
  try {
    const { board, seats, strength, advice } = JSON.parse(localStorage.getItem("choice"));
    if (Array.isArray(seats) && seats.length === 2 && strength) Object.assign(kept, { board, seats, strength, advice: advice !== false });
  } catch { /* nothing is remembered, or it may not be read */ }
}
function remember() {
  try { localStorage.setItem("choice", JSON.stringify(kept)); } catch { /* forgotten, then */ }
}

function lobby() {
  const boards = offered.boards;
  let board = boards.find((one) => one.key === kept.board) || boards.find((one) => one.key === offered.chosen);
  const seats = h("div", { class: "seats" });
  const standing = h("p", { class: "standing" });
  const tiles = h("div", { class: "tiles", role: "radiogroup", "aria-label": "Game" });
  for (const one of boards) {
    const input = h("input", { type: "radio", name: "board", value: one.key, checked: one === board, onchange: () => { board = one; draw(); } });
    tiles.append(h("label", { class: "tile" }, input, thumbnail(one.board), h("span", {}, one.title)));
  }
  const advice = h("input", { type: "checkbox", checked: kept.advice });

  function seat(number) {
    const who = board.seats[number];
    const chosen = kept.seats[number] !== null && kept.seats[number] < board.opponents.length ? kept.seats[number] : null;
    const player = h("select", { "aria-label": `${capital(who)} is` }, h("option", { value: "" }, "a person"),
      board.opponents.map((one, k) => h("option", { value: k, selected: k === chosen }, one.name)));
    const strength = h("select", { "aria-label": `Strength of ${who}` });
    const fillStrengths = () => {
      const opponent = board.opponents[player.value];
      strength.hidden = player.value === "" || (opponent.strengths.length === 1 && !opponent.rated);
      if (player.value === "") return;
      const levels = opponent.rated && board.standing ? board.standing.levels : null;
      const wanted = kept.strength[`${board.key}/${opponent.name}`] ?? String(opponent.default);
      strength.replaceChildren(
        ...(opponent.rated ? [h("option", { value: "adapt", selected: wanted === "adapt" }, "as strong as I am")] : []),
        ...opponent.strengths.map((name, k) => h("option", { value: k, selected: String(k) === wanted },
          levels ? `level ${name}, rated ${signed(levels[k], 0)}` : name)));
    };
    player.addEventListener("change", () => { kept.seats[number] = player.value === "" ? null : Number(player.value); fillStrengths(); });
    strength.addEventListener("change", () => {
      kept.strength[`${board.key}/${board.opponents[player.value].name}`] = strength.value;
      if (strength.value === "adapt") advice.checked = false;
    });
    fillStrengths();
    const order = number === 0 ? "begins" : "answers";
    return [h("fieldset", {}, h("legend", {}, token(who), ` ${capital(who)} ${order}`), player, strength),
      () => (player.value === "" ? null : { opponent: Number(player.value), strength: strength.value === "adapt" ? "adapt" : Number(strength.value || 0) })];
  }

  let chosen = [];
  function draw() {
    const made = [seat(0), seat(1)];
    chosen = made.map((one) => one[1]);
    seats.replaceChildren(...made.map((one) => one[0]));
    seats.children[0].after(h("button", { type: "button", class: "swap", title: "Change sides", "aria-label": "Change sides",
      onclick: () => { kept.seats.reverse(); draw(); } }, "⇄"));
    const climb = board.standing;
    standing.textContent = !climb ? "" : climb.rating
      ? `Your rating here: ${signed(climb.rating[0], 0)} [${signed(climb.rating[1], 0)}, ${signed(climb.rating[2], 0)}] from ${plural(climb.games, "game")}; nearest is level ${climb.level + 1}.`
      : "Games against the search's levels, without advice and with no move taken back, are rated.";
  }
  draw();

  const form = h("form", { class: "lobby", onsubmit: (event) => {
    event.preventDefault();
    Object.assign(kept, { board: board.key, advice: advice.checked });
    remember();
    begin({ do: "new", board: board.key, seats: chosen.map((one) => one()), advice: advice.checked });
  } },
  h("h1", {}, "Choose a game"), tiles, seats,
  h("label", { class: "check" }, advice, " show what the search thinks while we play"),
  standing, h("button", { class: "primary" }, "Play"));
  view.replaceChildren(form);
}

// ---- a game

function begin(message) {
  view.replaceChildren(h("p", { class: "waiting", role: "status" }, "Setting up the board…"));
  const game = new GamePage();
  page = game;
  let first = true;
  link.heard = (told) => {
    if (told.type === "state") {
      if (first) {
        first = false;
        link.key = told.id;
        history.replaceState(null, "", `#/game/${told.id}`);
      }
      game.show(told);
    } else if (first) {
      view.replaceChildren(h("p", { class: "waiting" }, told.text), h("p", {}, h("a", { href: "#/", onclick: () => setTimeout(route) }, "Choose a game")));
      link.key = null;
    }
  };
  link.send(message);
}

class GamePage {
  constructor() {
    this.state = null;
    this.chosen = null;
    this.flipped = null;
  }

  build(state) {
    const { board } = state;
    this.built = `${state.id}/${this.flipped}`;
    this.board = new Board(board, { pick: (row, column) => this.pick(row, column), label: `${board.title} board`, flipped: this.flipped });
    this.board.dense = board.height * board.width > 100;
    const button = (text, key, title, act) => h("button", { type: "button", title: `${title} (${key})`, "aria-keyshortcuts": key, onclick: act }, text);
    this.buttons = {
      undo: button("Take back", "U", "Take the last move back", () => link.send({ do: "undo" })),
      resign: button("Resign", "R", "Give the game up", () => this.resign()),
      advice: button("Advice", "A", "Show what the search thinks", () => link.send({ do: "advice", on: !this.state.advice })),
      pause: button("Pause", "P", "Let the players wait", () => link.send({ do: "pause", on: !this.state.paused })),
      flip: button("Turn", "F", "Turn the board", () => { this.flipped = !this.flipped; this.built = ""; this.show(this.state); }),
      again: button("New game", "N", "Choose another game", () => { location.hash = "#/"; }),
    };
    this.extra = h("div", { class: "extra" });
    this.status = h("p", { class: "status", role: "status" });
    this.players = h("ol", { class: "players" });
    this.bar = h("div", { class: "bar", role: "img" }, h("div", { class: "part" }), h("i", {}));
    this.chart = s("svg", { class: "chart", viewBox: "0 0 300 60", preserveAspectRatio: "none", role: "img", "aria-label": "How the expected result went" });
    this.thoughts = h("div", { class: "thoughts" });
    this.moves = h("ol", { class: "moves", "aria-label": "Moves", tabindex: "0" });
    this.record = h("p", { class: "record" });
    this.promotion = h("dialog", { class: "promotion", "aria-label": "Promote to" });
    view.replaceChildren(h("div", { class: "game" },
      table(this.board, h("div", { class: "evaluation" }, this.bar, this.expected = h("p", {})), this.extra),
      h("section", { class: "side" }, h("h1", {}, board.title), this.players, this.status,
        h("div", { class: "buttons" }, Object.values(this.buttons)), this.record, this.chart, this.thoughts, this.moves),
      this.promotion));
  }

  show(state) {
    const before = this.state;
    this.state = state;
    if (this.flipped === null) this.flipped = ["squares", "points"].includes(state.board.look) && !state.people[0] && state.people[1];
    if (this.built !== `${state.id}/${this.flipped}`) this.build(state);
    if (!before || before.ply !== state.ply) this.chosen = null;
    if (state.note) toast(state.note);
    document.title = `${state.yours ? "● " : ""}${state.board.title} – Quadrivium`;
    this.draw();
    const over = state.over !== null;
    const { undo, resign, advice, pause, flip } = this.buttons;
    undo.disabled = !state.people.includes(true) || state.thinking || state.ply === 0;
    resign.disabled = over || !state.people.includes(true);
    advice.setAttribute("aria-pressed", String(state.advice));
    pause.hidden = state.people.includes(true);
    pause.textContent = state.paused ? "Go on" : "Pause";
    flip.hidden = state.board.look !== "squares";
    this.players.replaceChildren(...state.board.players.map((player, seat) => h("li", { class: !over && state.toMove === seat ? "moving" : "" },
      token(player), h("span", {}, state.names[seat]), h("small", {}, player))));
    this.status.textContent = this.told(state);
    this.status.classList.toggle("busy", !state.ready || state.thinking);
    this.board.svg.setAttribute("data-ply", state.ply);
    this.board.svg.classList.toggle("yours", state.yours);
    this.evaluate(state);
    this.think(state);
    this.list(state);
    this.record.replaceChildren(...(over && state.ply ? [h("a", { href: `/api/record/${state.id}`, download: "" }, "Keep the game as a file")] : []));
  }

  told(state) {
    const { board, names, standing } = state;
    const score = state.score && (state.over || board.counts) ? ` (${state.score})` : "";
    if (state.over) {
      const { outcome, reason } = state.over;
      const winner = outcome > 0 ? 0 : 1;
      const why = reason === "rules" ? score : reason === "resigned" ? ": the other resigned" : `: ${reason}`;
      let text = outcome === 0 ? `A draw${why}.` : `${names[winner] === "You" ? "You have won" : `${names[winner]} has won`}${why}.`;
      if (standing && standing.rating && state.rated) text += ` Your rating: ${signed(standing.rating[0], 0)}, level ${standing.level + 1} is the nearest.`;
      return text;
    }
    if (!state.ready) return "The players get ready; the first time a game is played here, this takes some seconds.";
    if (state.paused && !state.people.includes(true)) return "Paused.";
    if (!state.people[state.toMove]) return `${names[state.toMove]} is thinking…`;
    const mover = state.people[0] && state.people[1] ? `${capital(board.players[state.toMove])}'s turn` : "Your turn";
    return `${mover}${state.roll ? `: ${state.roll}` : ""}${score}.`;
  }

  targets() {
    const { moves, yours } = this.state;
    if (!yours) return new Set();
    const from = moves.filter((move) => move.from && String(move.from) === this.chosen);
    const shown = from.length ? from : moves.filter((move) => !move.from);
    return new Set(shown.filter((move) => move.to).map((move) => String(move.to)));
  }

  draw() {
    this.board.show(this.state, { legal: this.targets(), chosen: this.chosen, interactive: this.state.yours });
    const opinion = this.state.opinion;
    const byAction = new Map(this.state.moves.map((move) => [move.action, move]));
    this.board.opine(opinion ? opinion.moves.map((move) => ({ ...byAction.get(move.action), ...move })) : []);
    if (this.state.yours) {
      for (const slot of this.board.cells) {
        const key = `${slot.row},${slot.column}`;
        if (this.state.moves.some((move) => move.from && String(move.from) === key)) slot.node.classList.add("open");
      }
    }
    if (this.state.yours && this.state.board.drops) for (const slot of this.board.cells) slot.node.classList.add("open");
    const others = this.state.yours ? this.state.moves.filter((move) => !move.to) : [];
    this.extra.replaceChildren(...others.map((move) => h("button", { type: "button", onclick: () => this.play(move) }, capital(move.name))));
  }

  pick(row, column) {
    const { moves, yours, board } = this.state;
    if (!yours) return;
    const key = `${row},${column}`;
    if (board.drops) {
      const move = moves.find((one) => one.to && one.to[1] === column);
      if (move) this.play(move);
      return;
    }
    const reaching = moves.filter((move) => move.to && String(move.to) === key && (!move.from || String(move.from) === this.chosen));
    if (reaching.length === 1) this.play(reaching[0]);
    else if (reaching.length > 1) this.promote(reaching);
    else {
      this.chosen = key !== this.chosen && moves.some((move) => move.from && String(move.from) === key) ? key : null;
      this.draw();
    }
  }

  promote(moves) {
    const kinds = { q: "Queen", r: "Rook", b: "Bishop", n: "Knight" };
    const close = () => this.promotion.close();
    this.promotion.replaceChildren(h("p", {}, "Promote to"), ...Object.entries(kinds).map(([letter, text]) => {
      const move = moves.find((one) => one.name.endsWith(letter));
      return move ? h("button", { type: "button", onclick: () => { close(); this.play(move); } }, text) : null;
    }).filter(Boolean), h("button", { type: "button", onclick: close }, "Not now"));
    this.promotion.showModal();
  }

  play(move) {
    this.chosen = null;
    link.send({ do: "move", action: move.action, ply: this.state.ply });
  }

  resign() {
    const button = this.buttons.resign;
    if (button.disabled) return;
    if (button.dataset.sure) { link.send({ do: "resign" }); delete button.dataset.sure; button.textContent = "Resign"; return; }
    button.dataset.sure = "yes";
    button.textContent = "Really?";
    setTimeout(() => { delete button.dataset.sure; button.textContent = "Resign"; }, 3000);
  }

  key(event) {
    const found = { u: "undo", r: "resign", a: "advice", p: "pause", f: "flip", n: "again" }[event.key.toLowerCase()];
    const button = found && this.buttons && this.buttons[found];
    if (button && !button.disabled && !button.hidden) { event.preventDefault(); button.click(); }
  }

  evaluate(state) {
    const values = state.values;
    const value = values.length ? values[values.length - 1][1] : null;
    this.bar.hidden = this.chart.hidden = false;
    this.bar.parentElement.classList.toggle("off", value === null);
    const [first, second] = state.board.players;
    this.bar.dataset.paint = second;
    const part = this.bar.firstChild;
    part.dataset.paint = first;
    part.style.setProperty("--share", `${50 * (1 + (value ?? 0))}%`);
    const text = value === null ? "" : `Expected result for ${first}: ${signed(value)}`;
    this.bar.setAttribute("aria-label", text || "no evaluation");
    this.expected.textContent = text;
    this.chart.toggleAttribute("hidden", values.length < 2);
    if (values.length > 1) {
      const last = Math.max(state.ply, 10);
      const points = values.map(([ply, y]) => `${(300 * ply / last).toFixed(1)},${(30 - 28 * y).toFixed(1)}`);
      this.chart.replaceChildren(s("line", { x1: 0, y1: 30, x2: 300, y2: 30 }), s("polyline", { points: points.join(" ") }));
    }
  }

  think(state) {
    const opinion = state.opinion;
    if (!opinion) { this.thoughts.replaceChildren(); return; }
    const policy = opinion.moves.some((move) => move.policy !== null);
    const sign = state.toMove ? -1 : 1;
    const rows = opinion.moves.slice(0, 5).map((move) => h("tr", {}, h("th", { scope: "row" }, move.line[0]), h("td", {}, percent(move.search)),
      policy ? h("td", {}, move.policy === null ? "–" : percent(move.policy)) : null, h("td", {}, signed(sign * move.value)),
      h("td", { class: "line" }, move.line.slice(1, 5).join(" "))));
    this.thoughts.replaceChildren(h("table", {},
      h("caption", {}, `${plural(opinion.visits, "simulation")}; values for ${state.board.players[0]}`),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "move"), h("th", { scope: "col", class: "c-search" }, "search"),
        policy ? h("th", { scope: "col", class: "c-policy" }, "policy") : null, h("th", { scope: "col" }, "value"), h("th", { scope: "col" }, "then"))),
      h("tbody", {}, rows)));
  }

  list(state) {
    this.moves.replaceChildren(...rounds(state.movers, (ply) => h("span", { class: ply === state.ply - 1 ? "now" : "" }, state.history[ply])));
    this.moves.scrollTop = this.moves.scrollHeight;
  }
}

// ---- the arena

async function arena() {
  const names = offered.tournaments;
  view.replaceChildren(h("section", { class: "arena" }, h("h1", {}, "Tournaments"), names.length
    ? h("ul", { class: "list" }, names.map((name) => h("li", {}, h("a", { href: `#/arena/${encodeURIComponent(name)}` }, name))))
    : h("p", {}, "None has been played here. ", h("code", {}, "evaluate.py tournament CONFIG"), " plays one into runs/tournaments; ",
      h("code", {}, "--tournament DIR"), " shows another.")));
}

async function tournament(name) {
  const data = await ask(`/api/tournaments/${encodeURIComponent(name)}`);
  const about = [data.environment, ...Object.entries(data.kwargs).map(([key, value]) => `${key} ${JSON.stringify(value)}`)].join(", ");
  const section = h("section", { class: "arena" }, h("p", { class: "back" }, h("a", { href: "#/arena" }, "All tournaments")), h("h1", {}, data.name), h("p", {}, about));
  view.replaceChildren(section);
  if (data.kind === "scenarios") { section.append(scenarios(data)); return; }
  const { players, pairs, verdicts } = data.standings;
  if (players.length) section.append(ratings(players), cross(players, pairs));
  section.append(h("h2", {}, "What the games tell"), h("ul", {}, verdicts.map((line) => h("li", {}, line))));
  section.append(games(data, name));
}

function ratings(players) {
  const finite = players.flatMap((one) => [one.rating.estimate, one.rating.low, one.rating.high]).filter((x) => x !== null);
  const estimates = players.map((one) => one.rating.estimate).filter((x) => x !== null);
  const margin = Math.max(150, 0.3 * (Math.max(...estimates) - Math.min(...estimates)));
  const low = Math.max(Math.min(...finite), Math.min(...estimates) - margin);
  const high = Math.min(Math.max(...finite), Math.max(...estimates) + margin);
  const at = (x) => 4 + 192 * (Math.min(high, Math.max(low, x)) - low) / Math.max(1, high - low);
  const range = (one) => s("svg", { class: "range", viewBox: "0 0 200 16", "aria-hidden": "true" },
    s("line", { class: "axis", x1: 0, y1: 8, x2: 200, y2: 8 }),
    s("line", { x1: at(one.rating.low), y1: 8, x2: at(one.rating.high), y2: 8 }), s("circle", { cx: at(one.rating.estimate), cy: 8, r: 4.5 }));
  return h("div", { class: "scroll" }, h("table", { class: "ratings" }, h("caption", {}, "Ratings, with 95 % intervals"),
    h("thead", {}, h("tr", {}, ["", "player", "rating", "interval", "", "points", "games", "won", "drawn", "lost"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, players.map((one) => h("tr", {}, h("td", {}, one.place), h("th", { scope: "row" }, one.name), h("td", {}, signed(one.rating.estimate, 0)),
      h("td", {}, `[${signed(one.rating.low, 0)}, ${signed(one.rating.high, 0)}]`), h("td", {}, range(one)), h("td", {}, one.games ? percent(one.points / one.games) : "–"),
      [one.games, one.won, one.drawn, one.lost].map((count) => h("td", {}, count)))))));
}

function cross(players, pairs) {
  const points = new Map(pairs.flatMap((pair) => [[`${pair.a}\n${pair.b}`, [pair.points, pair.games]], [`${pair.b}\n${pair.a}`, [pair.games - pair.points, pair.games]]]));
  const cell = (row, column) => {
    if (row === column) return h("td", { class: "self" });
    const found = points.get(`${row.name}\n${column.name}`);
    if (!found) return h("td", {}, "");
    const td = h("td", { title: `${row.name} against ${column.name}` }, `${found[0]} / ${found[1]}`);
    td.style.setProperty("--share", found[0] / found[1]);
    td.className = "share";
    return td;
  };
  return h("div", { class: "scroll" }, h("table", { class: "cross" }, h("caption", {}, "Points of the row against the column"),
    h("thead", {}, h("tr", {}, h("th", {}), players.map((one) => h("th", { scope: "col" }, one.name)))),
    h("tbody", {}, players.map((row) => h("tr", {}, h("th", { scope: "row" }, row.name), players.map((column) => cell(row, column)))))));
}

function games(data, name) {
  const names = [...new Set(data.games.flatMap((game) => [game.first, game.second]))];
  const filter = h("select", { "aria-label": "Games of" }, h("option", { value: "" }, "everyone"), names.map((one) => h("option", {}, one)));
  const list = h("tbody", {});
  const draw = () => list.replaceChildren(...data.games.map((game, k) => [game, k]).filter(([game]) => !filter.value || [game.first, game.second].includes(filter.value))
    .map(([game, k]) => h("tr", {}, h("td", {}, h("a", { href: `#/arena/${encodeURIComponent(name)}/${k}` }, `Game ${k + 1}`)),
      h("td", {}, game.first), h("td", {}, game.second), h("td", {}, { 1: "1–0", 0: "½–½", "-1": "0–1" }[game.outcome]), h("td", {}, game.plies), h("td", {}, game.reason))));
  filter.addEventListener("change", draw);
  draw();
  return h("div", {}, h("h2", {}, "Games"), h("p", {}, "of ", filter), h("div", { class: "scroll tall", tabindex: "0" }, h("table", { class: "games" },
    h("thead", {}, h("tr", {}, ["", ...data.seats.map(capital), "result", "moves", "how it ended"].map((text) => h("th", { scope: "col" }, text)))), list)));
}

function scenarios(data) {
  const names = Object.keys(data.players);
  if (!names.length) return h("p", {}, "It has no results yet.");
  const measures = Object.keys(data.players[names[0]].measures).filter((one) => !one.startsWith("reward/"));
  const cell = (value) => {
    const find = (key) => value[key] ?? null;
    if (find("mean") === null) return "–";
    const text = (x) => (x === null ? "–" : Math.abs(x) >= 100 ? x.toFixed(0) : x.toFixed(2));
    return `${text(find("mean"))} [${text(find("low"))}, ${text(find("high"))}]`;
  };
  return h("div", { class: "scroll" }, h("table", { class: "cross" }, h("caption", {}, "Means over the same scenarios, with 95 % intervals"),
    h("thead", {}, h("tr", {}, h("th", {}), names.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, measures.map((measure) => h("tr", {}, h("th", { scope: "row" }, measure.replaceAll("_", " ")),
      names.map((one) => h("td", {}, cell(data.players[one].measures[measure] || {}))))))));
}

class Replay {
  constructor(name, number, data) {
    Object.assign(this, { data, at: 0, timer: 0 });
    this.board = new Board(data.board, { label: `${data.board.title} board` });
    const button = (shape, label, act) => h("button", { type: "button", "aria-label": label, title: label, onclick: act }, icon(shape));
    this.slider = h("input", { type: "range", min: 0, max: data.history.length, value: 0, "aria-label": "Move", oninput: () => this.go(Number(this.slider.value)) });
    this.toggle = button("play", "Play", () => this.run());
    this.status = h("p", { class: "status", role: "status" });
    const move = (ply) => h("button", { type: "button", "data-ply": ply + 1, onclick: () => this.go(ply + 1) }, data.history[ply]);
    this.moves = h("ol", { class: "moves", "aria-label": "Moves" }, rounds(data.frames.slice(0, -1).map((frame) => frame.toMove), move));
    const result = { 1: "1–0", 0: "½–½", "-1": "0–1" }[data.outcome];
    view.replaceChildren(h("div", { class: "game replay" }, table(this.board, h("div", { class: "transport" }, button("first", "To the start", () => this.go(0)), button("back", "Back", () => this.go(this.at - 1)), this.toggle,
        button("on", "On", () => this.go(this.at + 1)), button("last", "To the end", () => this.go(data.history.length))), this.slider),
    h("section", { class: "side" }, h("p", { class: "back" }, h("a", { href: `#/arena/${encodeURIComponent(name)}` }, name)), h("h1", {}, `Game ${number + 1}`),
      h("ol", { class: "players" }, data.board.players.map((player, seat) => h("li", {}, token(player), h("span", {}, data.names[seat]), h("small", {}, player)))),
      h("p", {}, data.reason === "rules" ? result : `${result}, ${data.reason}`), this.status, this.moves)));
    this.go(0);
  }

  go(ply) {
    this.at = Math.max(0, Math.min(this.data.history.length, ply));
    const frame = this.data.frames[this.at];
    this.board.show(frame);
    this.board.svg.setAttribute("data-ply", this.at);
    this.slider.value = this.at;
    const move = this.at ? `${this.at}. ${this.data.history[this.at - 1]}` : "the first position";
    this.status.textContent = `${move}${this.at && this.at <= this.data.openingPlies ? ", of the opening" : ""}${frame.score ? `; ${frame.score}` : ""}`;
    for (const one of this.moves.querySelectorAll("button")) one.classList.toggle("now", Number(one.dataset.ply) === this.at);
    const now = this.moves.querySelector(".now");
    if (now) this.moves.scrollTop = now.offsetTop - this.moves.offsetTop - this.moves.clientHeight / 2;
    if (this.at === this.data.history.length) this.stop();
  }

  run() {
    if (this.timer) { this.stop(); return; }
    if (this.at === this.data.history.length) this.go(0);
    this.toggle.replaceChildren(icon("pause"));
    this.timer = setInterval(() => (view.contains(this.board.svg) ? this.go(this.at + 1) : this.stop()), 600);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.toggle.replaceChildren(icon("play"));
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 };
    if (event.target === this.slider) return;
    if (event.key in steps) { event.preventDefault(); this.go(this.at + steps[event.key]); }
    if (event.key === " " && event.target.tagName !== "BUTTON") { event.preventDefault(); this.run(); }
  }
}

// ---- addresses

let page = null;

async function route() {
  const parts = location.hash.slice(2).split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  const name = ["arena", "watch"].includes(parts[0]) ? parts[0] : "play";
  for (const one of document.querySelectorAll("nav a")) {
    if (one.dataset.page === name) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  document.title = "Quadrivium";
  link.leave();
  page = null;
  window.scrollTo(0, 0);
  try {
    Object.assign(offered, await ask("/api/offers"));
    document.querySelector("[data-page=play]").hidden = !offered.boards.length;
    document.querySelector("[data-page=watch]").hidden = !offered.watched;
    if (offered.watched && (name === "watch" || !offered.boards.length) && name !== "arena") {
      if (name !== "watch") { location.replace("#/watch"); return; }
      page = new WatchPage(view);
      return;
    }
    if (parts[0] === "game" && parts[1]) { link.key = parts[1]; begin({ do: "join", id: parts[1] }); }
    else if (name !== "arena") lobby();
    else if (parts[2]) {
      const [key, number] = [parts[1], Number(parts[2])];
      page = new Replay(key, number, await ask(`/api/tournaments/${encodeURIComponent(key)}/${number}`));
    } else if (parts[1]) await tournament(parts[1]);
    else await arena();
  } catch (error) {
    view.replaceChildren(h("p", { class: "waiting", role: "alert" }, error.message));
  }
}

document.addEventListener("keyup", (event) => { if (page && page.released) page.released(event); });
window.addEventListener("blur", () => { if (page && page.letGo) page.letGo(); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName)) return;
  if (page) page.key(event);
});
window.addEventListener("hashchange", route);
remembered();
route();
