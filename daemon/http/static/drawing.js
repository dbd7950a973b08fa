// Zones and lines over the still picture, drawn and dragged with mouse, finger or keys.

import { clamped, middle, moved } from "./polygon.js";

const SVG = "http://www.w3.org/2000/svg";
const CLOSE_PX = 14; // to the first corner, which ends a zone
const ARROWS = [..."→↘↓↙←↖↑↗"];
const BESIDE = 0.3; // of a line, from its beginning: where its ways are named
const STEP = 0.005; // by an arrow key; ten times that with Shift

export class Drawing {
  // `onChange()` after every change, `onHint(text)` what to do next.
  constructor(svg, places, onChange, onHint) {
    Object.assign(this, { svg, places, onChange, onHint });
    this.begun = null; // { kind, points } of what is being drawn
    this.drag = null;
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", () => this.drop());
    svg.addEventListener("pointercancel", () => this.drop());
    svg.addEventListener("dblclick", () => this.finish());
    svg.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keydown", (event) => this.drawingKey(event));
    new ResizeObserver(() => this.render()).observe(svg);
  }

  // By hand where a pointer asks for it; keys get a shape to move.
  begin(kind, byPointer) {
    this.begun = null;
    if (!byPointer) {
      const shape = kind === "zone" ? [[0.3, 0.4], [0.7, 0.4], [0.7, 0.8], [0.3, 0.8]] : [[0.3, 0.6], [0.7, 0.6]];
      this.places.add(kind, shape);
      this.changed();
      this.focus(`${this.places.chosen}.0`);
      return;
    }
    this.begun = { kind, points: [] };
    this.places.chosen = null;
    this.changed();
    this.hint();
  }

  hint() {
    if (this.begun === null) return this.onHint("");
    const { kind, points } = this.begun;
    if (kind === "line") this.onHint(points.length ? "Tap where the line ends" : "Tap where the line begins");
    else this.onHint(points.length < 3 ? `Tap corner ${points.length + 1}` : "Tap the next corner, or the first one to close");
  }

  finish() {
    const { kind, points } = this.begun ?? {};
    if (!kind || points.length < (kind === "zone" ? 3 : 2)) return;
    this.begun = null;
    this.places.add(kind, points);
    this.changed();
    this.hint();
  }

  drawingKey(event) {
    if (this.begun === null) return event.key === "Escape" && this.leave();
    if (event.key === "Enter") this.finish();
    else if (event.key === "Escape") this.begun = null;
    else if (event.key === "Backspace") this.begun.points.pop();
    else return;
    event.preventDefault();
    this.hint();
    this.render();
  }

  // Nothing is chosen any more; the keys go on from where it was.
  leave() {
    const { chosen } = this.places;
    if (chosen === null) return;
    this.places.chosen = null;
    this.changed();
    this.focus(String(chosen));
  }

  at({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    return clamped([(clientX - left) / width, (clientY - top) / height]);
  }

  down(event) {
    if (event.button > 0) return;
    const point = this.at(event);
    if (this.begun) return this.tap(point, event);
    const key = event.target.dataset?.key;
    if (key === undefined) {
      this.places.chosen = null;
      return this.changed();
    }
    const [index, part] = key.split(".");
    this.places.chosen = Number(index);
    this.places.keep();
    const place = this.places.current;
    if (part?.startsWith("+")) place.points.splice(Number(part.slice(1)) + 1, 0, point);
    const corner = part === undefined ? null : part.startsWith("+") ? Number(part.slice(1)) + 1 : Number(part);
    this.drag = { corner, from: point, points: place.points };
    this.svg.setPointerCapture(event.pointerId);
    this.changed();
    if (corner !== null) this.focus(`${index}.${corner}`);
    event.preventDefault();
  }

  tap(point, event) {
    const { kind, points } = this.begun;
    const first = points[0];
    const { clientWidth: width, clientHeight: height } = this.svg;
    const isFirst = first && Math.hypot((point[0] - first[0]) * width, (point[1] - first[1]) * height) < CLOSE_PX;
    if (isFirst) this.finish();
    else points.push(point);
    if (kind === "line" && points.length === 2) this.finish();
    event.preventDefault();
    this.hint();
    this.render();
  }

  move(event) {
    if (!this.drag) return;
    const { corner, from, points } = this.drag;
    const now = this.at(event);
    const place = this.places.current;
    if (corner === null) place.points = moved(points, [now[0] - from[0], now[1] - from[1]]);
    else place.points[corner] = now;
    this.changed();
  }

  drop() {
    this.drag = null;
  }

  key(event) {
    const key = event.target.dataset?.key;
    if (key === undefined || this.begun) return;
    const [index, part] = key.split(".");
    const by = event.shiftKey ? STEP * 10 : STEP;
    const ways = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    this.places.chosen = Number(index);
    const place = this.places.current;
    if (ways[event.key]) {
      this.places.keep(key);
      if (part === undefined) place.points = moved(place.points, ways[event.key]);
      else if (!part.startsWith("+")) place.points[part] = clamped([place.points[part][0] + ways[event.key][0], place.points[part][1] + ways[event.key][1]]);
    } else if (["Enter", " "].includes(event.key) && part?.startsWith("+")) {
      this.insert(place, Number(part.slice(1)));
    } else if (["Delete", "Backspace"].includes(event.key) && part !== undefined && place.kind === "zone" && place.points.length > 3) {
      this.places.keep();
      place.points.splice(Number(part), 1);
    } else return;
    event.preventDefault();
    this.changed();
  }

  insert(place, after) {
    this.places.keep();
    const next = place.points[(after + 1) % place.points.length];
    place.points.splice(after + 1, 0, clamped(middle([place.points[after], next])));
    this.changed();
    this.focus(`${this.places.chosen}.${after + 1}`);
  }

  changed() {
    this.render();
    this.onChange();
  }

  focus(key) {
    this.svg.querySelector(`[tabindex][data-key="${key}"]`)?.focus();
  }

  render() {
    const focused = document.activeElement?.dataset?.key;
    const { clientWidth: width, clientHeight: height } = this.svg;
    if (width === 0) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const toScreen = ([x, y]) => [x * width, y * height];
    const parts = this.places.list.flatMap((place, index) => (
      shapeOf(place, index, index === this.places.chosen, toScreen)
    ));
    if (this.begun) parts.push(...sketch(this.begun.points.map(toScreen)));
    this.svg.classList.toggle("sketching", this.begun !== null);
    this.svg.replaceChildren(...parts);
    for (const label of this.svg.querySelectorAll("text")) keepInside(label, width);
    if (focused !== undefined) this.focus(focused);
  }
}

function shapeOf(place, index, isChosen, toScreen) {
  const points = place.points.map(toScreen);
  const isZone = place.kind === "zone";
  const shape = element(isZone ? "polygon" : "polyline", {
    points: points.join(" "),
    class: `shape ${place.kind}${isChosen ? " chosen" : ""}`,
    "data-key": index,
    tabindex: 0,
    role: "button",
    "aria-label": `${place.kind} ${place.name}`,
  });
  const parts = [shape, ...(isZone ? [text(middle(points), place.name)] : ways(place, points))];
  if (!isChosen) return parts;
  const handles = points.flatMap((point, n) => handle(point, `${index}.${n}`, "corner", `corner ${n + 1} of ${points.length} of ${place.name}, ${percent(place.points[n])}`));
  const adders = isZone ? points.flatMap((point, n) => handle(middle([point, points[(n + 1) % points.length]]), `${index}.+${n}`, "adder", `new corner after ${n + 1}`)) : [];
  return [...parts, ...adders, ...handles];
}

function percent([x, y]) {
  return `${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`;
}

// The names of both ways across a line, each on its side, looking along from → to.
function ways({ name, rest }, [[x1, y1], [x2, y2]]) {
  const long = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [sideX, sideY] = [((y2 - y1) / long) * 22, (-(x2 - x1) / long) * 22];
  const at = [x1 + (x2 - x1) * BESIDE, y1 + (y2 - y1) * BESIDE];
  const side = (sign, words) => text([at[0] + sign * sideX, at[1] + sign * sideY], `${arrow(sign * sideX, sign * sideY)} ${words}`, anchor(sign * sideX));
  return [text([x1, y1 - 12], name), side(1, rest.left ?? "left"), side(-1, rest.right ?? "right")];
}

// Words beside an upright line end or begin at it.
function anchor(x) {
  return Math.abs(x) < 11 ? "middle" : x < 0 ? "end" : "start";
}

function arrow(x, y) {
  return ARROWS.at((Math.round(Math.atan2(y, x) / (Math.PI / 4)) + 8) % 8);
}

function handle([cx, cy], key, kind, label) {
  const reach = element("circle", { cx, cy, r: kind === "corner" ? 20 : 14, class: "reach", "data-key": key });
  const spot = element("circle", {
    cx, cy, r: kind === "corner" ? 7 : 4, class: kind, "data-key": key, tabindex: 0, role: "button", "aria-label": label,
  });
  return [reach, spot];
}

function sketch(points) {
  return [
    element("polyline", { points: points.join(" "), class: "shape sketch" }),
    ...points.map(([cx, cy], n) => element("circle", { cx, cy, r: n === 0 ? 8 : 5, class: "corner" })),
  ];
}

// A name is read whole, also of a place at the edge.
function keepInside(label, width) {
  const { x, width: wide } = label.getBBox();
  const over = Math.min(x - 4, 0) + Math.max(x + wide - width + 4, 0);
  if (over !== 0) label.setAttribute("dx", -over);
}

function text([x, y], words, side = "middle") {
  const label = element("text", { x, y, class: "place-name", "text-anchor": side });
  label.textContent = words;
  return label;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
