// A list of recordings, newest first: it grows at the top by itself and at the bottom on demand.

import { ask, setText } from "./daemon.js";
import { swatch } from "./elements.js";
import { labelsOf, moment, objectWords } from "./format.js";
import { apiOf, at } from "./root.js";

const ASK_MS = 5000;

// The address of a recording's place in the album: what one shares and comes back to.
export function linkTo({ camera, name }) {
  return at(`recordings?camera=${encodeURIComponent(camera)}#${encodeURIComponent(camera)}/${name}`);
}

export class Shots {
  // `query()` says which; `onOpen(shot)` replaces the way to the album.
  constructor(root, { query, page = 24, most = 240, onOpen = null, named = false }) {
    Object.assign(this, { root, query, size: page, most, onOpen, named });
    this.list = root.querySelector(".shots");
    this.fault = root.querySelector(".fault");
    this.empty = root.querySelector(".empty");
    this.button = root.querySelector("#older");
    this.button?.addEventListener("click", () => this.showOlder());
    this.askedAt = -Infinity;
    this.lines = new Map(); // camera/name → { shot, line }
    this.next = null;
  }

  // What is shown, newest first.
  get shots() {
    return [...this.list.children].map((line) => this.lines.get(line.dataset.key).shot);
  }

  async refresh() {
    if (performance.now() - this.askedAt < ASK_MS) return;
    this.askedAt = performance.now();
    const query = this.query();
    const page = await this.page(query, "").catch(() => null); // the next turn tells why
    if (page === null || query !== this.query()) return;
    this.fault.hidden = page.failing === "";
    setText(this.fault, `Nothing can be recorded: ${page.failing}.`);
    const goesOn = page.recordings.some((shot) => this.lines.has(keyOf(shot)));
    if (!goesOn) this.clear(page.next);
    for (const shot of page.recordings.reverse()) this.show(shot, "prepend");
    while (this.list.children.length > this.most) this.dropOldest();
    this.sayNothing(page);
  }

  // Other ones are wanted.
  async anew() {
    this.clear(null);
    this.askedAt = -Infinity;
    await this.refresh();
  }

  // Whether there were any.
  async showOlder() {
    if (this.next === null) return false;
    const before = this.list.children.length;
    const query = this.query();
    const page = await this.page(query, `&before=${encodeURIComponent(this.next)}`).catch(() => null);
    if (page === null || query !== this.query()) return false;
    this.most = Math.max(this.most, before + this.size);
    for (const shot of page.recordings) this.show(shot, "append");
    this.continueAt(page.next);
    this.sayNothing(page);
    return this.list.children.length > before;
  }

  async page(query, more) {
    const page = await ask(`api/v1/recordings?${query}&limit=${this.size}${more}`);
    page.recordings.forEach(rooted);
    return page;
  }

  clear(next) {
    this.lines.clear();
    this.list.replaceChildren();
    this.continueAt(next);
  }

  continueAt(next) {
    this.next = next;
    if (this.button) this.button.hidden = next === null;
  }

  dropOldest() {
    const last = this.list.lastElementChild;
    const { shot } = this.lines.get(last.dataset.key);
    this.lines.delete(last.dataset.key);
    last.remove();
    this.continueAt(`${shot.name}.${shot.camera}`);
  }

  // A recording that is there already may have got its clip by now, or a better picture.
  show(shot, place) {
    const key = keyOf(shot);
    const known = this.lines.get(key);
    const parts = `${Object.keys(shot.files).join()} ${shot.bytes}`;
    if (known?.line.dataset.parts === parts) return;
    const line = this.line(shot);
    line.dataset.key = key;
    line.dataset.parts = parts;
    this.lines.set(key, { shot, line });
    if (known) known.line.replaceWith(line);
    else this.list[place](line);
  }

  sayNothing({ records }) {
    const query = new URLSearchParams(this.query());
    const camera = query.get("camera");
    const isOn = camera === null ? records.length > 0 : records.includes(camera);
    this.empty.hidden = this.list.children.length > 0;
    if (["label", "from", "until"].some((name) => query.has(name))) setText(this.empty, "Nothing is recorded that fits.");
    else if (isOn) setText(this.empty, "Nothing is recorded yet: what is seen will be kept here as it happens.");
    else setText(this.empty, "Nothing is recorded. With record: {snapshots: true, clips: true} below a camera, or below defaults, the configuration turns it on.");
  }

  line(shot) {
    const line = document.createElement("li");
    const link = document.createElement("a");
    link.href = linkTo(shot);
    if (this.onOpen) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a window of its own
        event.preventDefault();
        this.onOpen(shot);
      });
    }
    link.append(thumbnail(shot), caption(shot, this.named));
    line.append(link);
    return line;
  }
}

// Its files below the root of this page, whatever proxies there are.
export function rooted(shot) {
  for (const [part, path] of Object.entries(shot.files)) {
    shot.files[part] = apiOf(shot.camera, `/recordings/${path.split("/").at(-1)}`);
  }
}

function keyOf({ camera, name }) {
  return `${camera}/${name}`;
}

function thumbnail({ captured_ns: when, detections, files, camera }) {
  const frame = document.createElement("span");
  frame.className = "thumb";
  const image = document.createElement("img");
  image.loading = "lazy";
  image.width = 320;
  image.height = 180;
  image.alt = `${camera}: ${objectWords(detections)}, ${moment(when)}`;
  if (files.thumbnail) image.src = files.thumbnail;
  frame.append(image);
  if (files.clip) {
    const mark = document.createElement("span");
    mark.className = "clip-mark";
    mark.textContent = "▶ clip";
    frame.append(mark);
  }
  return frame;
}

function caption({ captured_ns: when, detections, camera }, named) {
  const words = document.createElement("span");
  words.className = "caption";
  const time = document.createElement("time");
  time.dateTime = new Date(when / 1e6).toISOString();
  time.textContent = moment(when);
  words.append(time);
  if (named) words.append(` ${camera}`);
  const labels = document.createElement("span");
  labels.className = "soft";
  for (const [label, count] of labelsOf(detections)) {
    labels.append(swatch(label), `${label}${count > 1 ? ` ×${count}` : ""} `);
  }
  words.append(document.createElement("br"), labels);
  return words;
}
