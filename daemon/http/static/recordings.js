// What was recorded of a camera: newest first, older ones on demand.

import { ask, setText } from "./daemon.js";
import { bytes, moment, number, objectWords } from "./format.js";

const ASK_MS = 5000;
const PAGE = 12;
const MOST = 240; // shown at once

export class Recordings {
  constructor(root, path) {
    this.root = root;
    this.path = path;
    this.list = root.querySelector("ol");
    this.fault = root.querySelector(".fault");
    this.stored = root.querySelector(".stream");
    this.button = root.querySelector("button");
    this.askedAt = -Infinity;
    this.shots = new Map(); // name of a recording → its line
    this.oldest = null; // what to ask for next
    this.button.addEventListener("click", () => this.showOlder());
  }

  async refresh() {
    if (performance.now() - this.askedAt < ASK_MS) return;
    this.askedAt = performance.now();
    const page = await this.page("").catch(() => null); // the next turn tells why
    if (page === null) return;
    this.root.hidden = page.stored === 0 && page.failing === "";
    this.fault.hidden = page.failing === "";
    setText(this.fault, `Nothing can be recorded: ${page.failing}.`);
    setText(this.stored, `${number(page.stored)} kept, ${bytes(page.stored_bytes)}`);
    const goesOn = page.recordings.some(({ name }) => this.shots.has(name));
    if (!goesOn) this.beginAnew(page.next);
    for (const recording of page.recordings.reverse()) this.show(recording, "prepend");
    while (this.shots.size > MOST) this.dropOldest();
  }

  async showOlder() {
    const page = await this.page(`&before=${this.oldest}`).catch(() => null);
    if (page === null) return;
    for (const recording of page.recordings) this.show(recording, "append");
    this.continueAt(page.next);
  }

  dropOldest() {
    this.shots.delete(this.list.lastElementChild.dataset.name);
    this.list.lastElementChild.remove();
    this.continueAt(this.list.lastElementChild.dataset.name);
  }

  page(more) {
    return ask(`${this.path}?limit=${PAGE}${more}`);
  }

  // Nothing is shown yet, or so much came meanwhile that there would be a gap.
  beginAnew(next) {
    this.shots.clear();
    this.list.replaceChildren();
    this.continueAt(next);
  }

  continueAt(name) {
    this.oldest = name;
    this.button.hidden = name === null;
  }

  // A recording that is there already may have got its clip by now.
  show(recording, place) {
    const known = this.shots.get(recording.name);
    const parts = Object.keys(recording.files).join();
    if (known?.dataset.parts === parts) return;
    const shot = line(recording);
    shot.dataset.name = recording.name;
    shot.dataset.parts = parts;
    this.shots.set(recording.name, shot);
    if (known) known.replaceWith(shot);
    else this.list[place](shot);
  }
}

function line({ captured_ns: at, detections, files }) {
  const shot = document.createElement("li");
  const picture = link(files.boxes ?? files.clip ?? files.thumbnail, "");
  const image = document.createElement("img");
  image.src = files.thumbnail;
  image.loading = "lazy";
  image.width = 320;
  image.height = 180;
  image.alt = `${objectWords(detections)}, ${moment(at)}`;
  picture.append(image);
  const time = document.createElement("time");
  time.dateTime = new Date(at / 1e6).toISOString();
  time.textContent = moment(at);
  const words = document.createElement("p");
  words.textContent = objectWords(detections);
  const more = document.createElement("p");
  more.className = "links";
  for (const [part, text] of [["boxes", "boxes"], ["picture", "plain"], ["clip", "clip"], ["message", "JSON"]]) {
    if (files[part]) more.append(link(files[part], text), " ");
  }
  shot.append(picture, time, words, more);
  return shot;
}

function link(target, text) {
  const anchor = document.createElement("a");
  anchor.href = target;
  anchor.textContent = text;
  return anchor;
}
