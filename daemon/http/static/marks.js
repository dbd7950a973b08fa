// What is drawn over a picture: boxes, labels, trails, regions. Lines stay thin however the picture
// is enlarged, as they are drawn on a canvas of their own in the screen's pixels.

import { colourOf } from "./colours.js";
import { duration, percent } from "./format.js";
import { place } from "./labels.js";
import { drawPlaces } from "./placemarks.js";

const LEAST_WIDTH = 300; // of a picture with labels; below, only what is pointed at has one
const EDGE = "rgb(0 0 0 / 55%)";
const FONT = "12px system-ui, sans-serif";
const PAD = 4;

export class Marks {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.pointed = null; // {x, y} in fractions of the picture
    this.boxes = true;
    this.parts = false; // what the detector was shown: for those who look into its inside
  }

  // `scene` is { detections, size, parts, trails, roi, crop, zones, lines, counts }; `view` is { x, y, scale }
  // of the zoom.
  draw(scene, view = { x: 0, y: 0, scale: 1 }) {
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = this.canvas.clientHeight;
    if (this.canvas.width !== Math.round(width * ratio)) this.canvas.width = Math.round(width * ratio);
    if (this.canvas.height !== Math.round(height * ratio)) this.canvas.height = Math.round(height * ratio);
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!scene || width === 0) return;
    this.bounds = { w: width, h: height };
    this.toScreen = fitting(scene.size, this.bounds, view);
    if (scene.crop) this.corners(scene.crop);
    if (this.parts && scene.parts?.length > 1) scene.parts.forEach((part, n) => this.part(part, n));
    if (scene.roi) this.region(scene.roi);
    const words = drawPlaces(context, scene, this.toScreen, width >= LEAST_WIDTH);
    if (!this.boxes) return;
    for (const trail of scene.trails ?? []) this.trail(trail);
    const items = scene.detections.map((found) => ({ found, box: this.area(found.box) }));
    const hit = this.hit(items);
    for (const item of items) this.box(item, item === hit);
    this.labels(items, hit, width >= LEAST_WIDTH, words);
  }

  area([x1, y1, x2, y2]) {
    const from = this.toScreen(x1, y1);
    const to = this.toScreen(x2, y2);
    return { x: from.x, y: from.y, w: to.x - from.x, h: to.y - from.y };
  }

  // The smallest box that is pointed at.
  hit(items) {
    if (!this.pointed) return null;
    const { x, y } = this.pointed;
    return items
      .filter(({ box }) => x >= box.x && y >= box.y && x <= box.x + box.w && y <= box.y + box.h)
      .sort((one, other) => one.box.w * one.box.h - other.box.w * other.box.h)[0] ?? null;
  }

  box({ found, box }, isPointedAt) {
    const { context } = this;
    context.lineJoin = "round";
    context.globalAlpha = found.stationary && !isPointedAt ? 0.55 : 1; // what stands there is no news
    for (const [style, width] of [[EDGE, 3.5], [colourOf(found.label), isPointedAt ? 2.5 : 1.5]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.strokeRect(box.x, box.y, box.w, box.h);
    }
    context.globalAlpha = 1;
  }

  labels(items, hit, all, words) {
    const { context } = this;
    context.font = FONT;
    context.textBaseline = "middle";
    const first = hit ? [hit, ...items.filter((item) => item !== hit)] : items;
    const shown = all ? first : hit ? [hit] : [];
    const named = shown.map((item) => {
      const said = item === hit ? inFull(item.found) : inShort(item.found);
      const size = { w: context.measureText(said).width + 2 * PAD, h: 17 };
      return { ...item, said, size };
    });
    const places = place(named, this.bounds, words);
    named.forEach((item, n) => {
      const spot = places[n] ?? (item.found === hit?.found ? this.anyPlace(item) : null);
      if (spot) this.label(item, spot);
    });
  }

  anyPlace({ box, size }) {
    const x = Math.max(0, Math.min(box.x, this.bounds.w - size.w));
    const y = Math.max(0, Math.min(box.y + box.h, this.bounds.h - size.h));
    return { x, y };
  }

  label({ found, said, size }, { x, y }) {
    const { context } = this;
    context.fillStyle = "rgb(8 12 15 / 80%)";
    context.fillRect(x, y, size.w, size.h);
    context.fillStyle = colourOf(found.label);
    context.fillRect(x, y, 2, size.h);
    context.fillStyle = "#fff";
    context.fillText(said, x + PAD + 1, y + size.h / 2 + 0.5);
  }

  // A polygon in fractions of the picture, faintly: what lies outside counts for nothing.
  region(points) {
    const { context } = this;
    const outline = new Path2D();
    for (const [x, y] of points) {
      const at = this.toScreen.fraction(x, y);
      outline.lineTo(at.x, at.y);
    }
    outline.closePath();
    context.setLineDash([6, 5]);
    for (const [style, width] of [[EDGE, 2.5], ["rgb(255 255 255 / 65%)", 1]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.stroke(outline);
    }
    context.setLineDash([]);
  }

  // The corners of a rectangle in fractions of the picture: the detector is not shown what lies
  // outside.
  corners([x1, y1, x2, y2]) {
    const { context } = this;
    const from = this.toScreen.fraction(x1, y1);
    const to = this.toScreen.fraction(x2, y2);
    const long = Math.min(18, (to.x - from.x) / 4, (to.y - from.y) / 4);
    const outline = new Path2D();
    for (const [x, y, right, down] of [[from.x, from.y, 1, 1], [to.x, from.y, -1, 1], [to.x, to.y, -1, -1], [from.x, to.y, 1, -1]]) {
      outline.moveTo(x, y + down * long);
      outline.lineTo(x, y);
      outline.lineTo(x + right * long, y);
    }
    for (const [style, width] of [[EDGE, 3], ["rgb(255 255 255 / 65%)", 1.25]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.stroke(outline);
    }
  }

  // One row of the detector's batch, a little inside of its rectangle: tiles overlap.
  part([x1, y1, x2, y2], n) {
    const { context } = this;
    const from = this.toScreen.fraction(x1, y1);
    const to = this.toScreen.fraction(x2, y2);
    const inset = 2 + (n % 4) * 2;
    context.setLineDash([2, 4]);
    for (const [style, width] of [[EDGE, 2.5], [`hsl(${(n * 67) % 360} 90% 70% / 85%)`, 1.25]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.strokeRect(from.x + inset, from.y + inset, to.x - from.x - 2 * inset, to.y - from.y - 2 * inset);
    }
    context.setLineDash([]);
  }

  trail({ label, points }) {
    const { context } = this;
    context.lineCap = "round";
    for (let n = 1; n < points.length; n += 1) {
      const from = this.toScreen(points[n - 1].x, points[n - 1].y);
      const to = this.toScreen(points[n].x, points[n].y);
      context.globalAlpha = n / points.length;
      context.strokeStyle = colourOf(label);
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x, to.y);
      context.stroke();
    }
    context.globalAlpha = 1;
  }
}

function inShort({ label, track }) {
  return track === undefined ? label : `${label} ${track}`;
}

function inFull(found) {
  const { score, age_s: age, zones, stationary } = found;
  const words = [inShort(found), percent(score)];
  if (age !== undefined) words.push(`for ${duration(age)}`);
  if (stationary) words.push("stands still");
  if (zones?.length) words.push(`in ${zones.join(", ")}`);
  return words.join(" · ");
}

// From pixels of the source to pixels of the screen: the picture lies whole in the middle.
export function fitting([width, height], bounds, view) {
  const scale = Math.min(bounds.w / width, bounds.h / height);
  const left = (bounds.w - width * scale) / 2;
  const top = (bounds.h - height * scale) / 2;
  const toScreen = (x, y) => ({
    x: (left + x * scale) * view.scale + view.x,
    y: (top + y * scale) * view.scale + view.y,
  });
  toScreen.fraction = (x, y) => toScreen(x * width, y * height);
  return toScreen;
}
