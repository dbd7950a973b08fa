// A strip of a day for each camera: when something was there, by label.

import { colourOf } from "./colours.js";
import { ask } from "./daemon.js";
import { duration } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const STEPS = 288; // of five minutes
const STEP_S = 300;
const LANE = 6;
const ASK_MS = 15000;

export class Strips {
  // `only` one camera; `onPick(camera, from, until)` where somebody points at a time.
  constructor(root, { only = null, onPick = null } = {}) {
    Object.assign(this, { root, only, onPick });
    this.day = null; // today, whenever that is
    this.askedAt = -Infinity;
    this.shown = "";
  }

  // Another day; null is today.
  async show(day) {
    this.day = day;
    this.askedAt = -Infinity;
    await this.refresh();
  }

  async refresh() {
    if (performance.now() - this.askedAt < ASK_MS) return;
    this.askedAt = performance.now();
    const from = new Date(this.day ?? Date.now());
    from.setHours(0, 0, 0, 0);
    const until = new Date(from.getTime() + STEPS * STEP_S * 1000);
    const query = new URLSearchParams({ from: from.toISOString(), until: until.toISOString(), steps: STEPS });
    const answer = await ask(`api/v1/objects/strip?${query}`).catch(() => null); // the next turn tells why
    if (answer === null) return;
    const shown = JSON.stringify([from, answer]);
    if (shown === this.shown) return;
    this.shown = shown;
    const known = Object.entries(answer.cameras).filter(([camera]) => this.only === null || camera === this.only);
    const cameras = known.length || this.only === null ? known : [[this.only, {}]];
    cameras.sort(([one], [other]) => one.localeCompare(other));
    const lines = cameras.map(([camera, labels]) => this.strip(camera, labels, from));
    this.root.replaceChildren(...lines, ...(lines.length ? [this.scale()] : []));
    this.root.dataset.count = cameras.length;
  }

  strip(camera, labels, from) {
    const line = document.createElement("div");
    line.className = "strip";
    if (this.only === null) {
      const name = document.createElement("span");
      name.textContent = camera;
      line.append(name);
    }
    line.append(this.drawing(camera, Object.entries(labels), from));
    return line;
  }

  // The hours below all strips.
  scale() {
    const line = document.createElement("div");
    line.className = "strip scale";
    line.setAttribute("aria-hidden", "true");
    const hours = document.createElement("div");
    hours.append(...[0, 6, 12, 18, 24].map((hour) => {
      const mark = document.createElement("span");
      mark.textContent = `${hour}:00`;
      return mark;
    }));
    if (this.only === null) line.append(document.createElement("span"));
    line.append(hours);
    return line;
  }

  drawing(camera, labels, from) {
    const high = Math.max(1, labels.length) * LANE;
    const svg = element("svg", { viewBox: `0 0 ${STEPS} ${high}`, preserveAspectRatio: "none", role: "img" });
    const words = labels.map(([label, there]) => `${label} for about ${duration(there.length * STEP_S)}`);
    svg.setAttribute("aria-label", `${camera}: ${words.join(", ") || "nothing was there"}`);
    for (let hour = 3; hour < 24; hour += 3) {
      svg.append(element("line", { x1: hour * 12, x2: hour * 12, y1: 0, y2: high, class: "hour" }));
    }
    labels.forEach(([label, there], lane) => {
      for (const [first, last] of runs(there)) {
        const mark = element("rect", { x: first, y: lane * LANE + 1, width: last - first + 1, height: LANE - 2, fill: colourOf(label) });
        mark.append(titled(`${label}, ${clock(from, first)}–${clock(from, last + 1)}`));
        svg.append(mark);
      }
    });
    if (this.onPick) svg.addEventListener("click", (event) => this.pick(event, camera, svg, from));
    return svg;
  }

  pick({ clientX }, camera, svg, from) {
    const { left, width } = svg.getBoundingClientRect();
    const step = Math.floor(((clientX - left) / width) * STEPS);
    const time = (steps) => new Date(from.getTime() + steps * STEP_S * 1000);
    this.onPick(camera, time(step - 1), time(step + 2));
  }
}

// Steps that follow each other as one.
function runs(steps) {
  const all = [];
  for (const step of steps) {
    if (all.length && all.at(-1)[1] === step - 1) all.at(-1)[1] = step;
    else all.push([step, step]);
  }
  return all;
}

function clock(from, step) {
  return new Date(from.getTime() + step * STEP_S * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

function titled(words) {
  const title = element("title", {});
  title.textContent = words;
  return title;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
