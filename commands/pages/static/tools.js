// What all pages share: making nodes, telling and asking the server, the tab's socket.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (typeof value === "boolean") node.toggleAttribute(key, value);
    else if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
export const signed = (x, digits = 2) => (x < 0 ? "−" : "+") + Math.abs(x).toFixed(digits);
export const percent = (x) => `${Math.round(100 * x)} %`;
export const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

let toastTimer = 0;
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, 6000);
}

export async function ask(path) {
  const answer = await fetch(path);
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error || answer.statusText);
  return data;
}

/** A small sign on a button. */
export function icon(shape) {
  const paths = { first: "M3 3v10M13 3v10L5 8z", back: "M11 3v10L3 8z", play: "M4 2.5v11L13.5 8z", pause: "M5 3v10M11 3v10", on: "M5 3v10l8-5z", last: "M13 3v10M3 3v10l8-5z",
    again: "M12.6 8a4.6 4.6 0 1 1-1.5-3.4M11.6 1.8v3.2H8.4", up: "M8 3l5 8H3z", down: "M8 13l5-8H3z", left: "M3 8l8-5v10z", right: "M13 8L5 3v10z" };
  return s("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: paths[shape], class: shape === "again" ? "line" : null }));
}

// ---- the server

/** The socket of this tab: opened when it is needed, and again when it was lost. */
export const link = {
  socket: null,
  path: "/play",
  key: null, // of the game at which this tab looks
  tries: 0,
  heard: () => {},
  seen: () => {}, // pictures

  send(message) {
    const text = JSON.stringify(message);
    const { socket } = this;
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(text);
    else if (socket && socket.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.send(text));
    else this.open(() => this.socket.send(text));
  },

  open(then) {
    const socket = new WebSocket(`ws://${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.addEventListener("open", () => { this.tries = 0; this.say(""); then(); });
    socket.addEventListener("message", (event) => {
      if (socket !== this.socket) return;
      if (event.data instanceof ArrayBuffer) { this.seen(event.data); return; }
      const message = JSON.parse(event.data);
      if (message.type === "error") toast(message.text);
      this.heard(message);
    });
    socket.addEventListener("close", () => {
      if (socket !== this.socket) return;
      this.socket = null;
      if (!this.key) return;
      this.say("connection lost, trying again");
      this.tries += 1;
      setTimeout(() => {
        if (this.key && !this.socket) this.open(() => this.send({ do: "join", id: this.key }));
      }, Math.min(10000, 400 * 2 ** this.tries));
    });
  },

  leave() {
    this.key = null;
    this.path = "/play";
    this.heard = this.seen = () => {};
    if (this.socket) this.socket.close();
    this.socket = null;
    this.say("");
  },

  say(text) { document.getElementById("link").textContent = text; },
};
