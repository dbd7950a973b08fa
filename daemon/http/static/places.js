// The zones and lines that are edited, with the way back; from the daemon's form and to it. Pure.

import { faultOf } from "./polygon.js";

const NAME = /^[A-Za-z0-9_-]{1,32}$/;
const MOST_BACK = 100;
const LIMIT = 32; // of each kind

export class Places {
  constructor({ zones, lines }) {
    this.list = [
      ...Object.entries(zones).map(([name, { area, ...rest }]) => ({ kind: "zone", name, points: area, rest })),
      ...Object.entries(lines).map(([name, { from, to, ...rest }]) => ({ kind: "line", name, points: [from, to], rest })),
    ];
    this.chosen = null; // place in the list
    this.past = [];
    this.saved = this.text;
  }

  get text() {
    return JSON.stringify(this.list);
  }

  get isChanged() {
    return this.text !== this.saved;
  }

  get current() {
    return this.list[this.chosen] ?? null;
  }

  // Before a change: what one comes back to. Changes of one `kind` in a row are one step.
  keep(kind = "") {
    const last = this.past.at(-1);
    if (kind !== "" && last?.kind === kind) return;
    if (last?.text !== this.text) this.past.push({ kind, text: this.text });
    if (this.past.length > MOST_BACK) this.past.shift();
  }

  undo() {
    const last = this.past.pop();
    if (!last) return;
    this.list = JSON.parse(last.text);
    if (this.current === null) this.chosen = null;
  }

  add(kind, points) {
    this.keep();
    const rest = kind === "line" ? { left: "in", right: "out" } : {};
    this.list.push({ kind, name: this.freeName(kind), points, rest });
    this.chosen = this.list.length - 1;
  }

  remove(index) {
    this.keep();
    this.list.splice(index, 1);
    this.chosen = null;
  }

  freeName(kind) {
    for (let n = 1; ; n += 1) {
      const name = `${kind}${n}`;
      if (!this.list.some((place) => place.kind === kind && place.name === name)) return name;
    }
  }

  // As the configuration has them.
  get config() {
    const zones = {};
    const lines = {};
    for (const { kind, name, points, rest } of this.list) {
      if (kind === "zone") zones[name] = { area: points, ...rest };
      else lines[name] = { from: points[0], to: points[1], ...rest };
    }
    return { zones, lines };
  }

  // The first thing that the daemon would refuse, or ''.
  get fault() {
    for (const kind of ["zone", "line"]) {
      const those = this.list.filter((place) => place.kind === kind);
      if (those.length > LIMIT) return `There are more than ${LIMIT} ${kind}s.`;
      const names = those.map(({ name }) => name);
      const twice = names.find((name, n) => names.indexOf(name) !== n);
      if (twice !== undefined) return `Two ${kind}s are called ${twice}.`;
    }
    for (const { kind, name, points, rest } of this.list) {
      if (!NAME.test(name)) return `“${name}” is no name: letters, digits, _ and -, up to 32.`;
      const wrong = kind === "zone" ? faultOf(points) : lineFault(points, rest);
      if (wrong) return `The ${kind} ${name} ${wrong}.`;
    }
    return "";
  }
}

function lineFault([from, to], { left = "left", right = "right" }) {
  if (String(from) === String(to)) return "ends where it begins";
  if (left === right) return "calls both ways the same";
  return NAME.test(left) && NAME.test(right) ? "" : "needs a name for each way";
}
