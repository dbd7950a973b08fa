// A list of recordings, newest first: it grows at the top by itself and at the bottom on demand.

import { setText } from "./daemon.js";
import { swatch } from "./elements.js";
import { labelsOf, moment, objectWords, several } from "./format.js";
import { Paged } from "./paging.js";
import { apiOf, at } from "./root.js";

// The address of a recording's place in the album: what one shares and comes back to.
export function linkTo({ camera, name }) {
  return at(`recordings?camera=${encodeURIComponent(camera)}#${encodeURIComponent(camera)}/${name}`);
}

export class Shots extends Paged {
  // `query()` says which; `onOpen(shot)` replaces the way to the album.
  constructor(root, { query, page = 24, most = 240, onOpen = null, named = false }) {
    super(root, { list: ".shots", query, most });
    Object.assign(this, { size: page, onOpen, named });
    this.fault = root.querySelector(".fault");
  }

  get shots() {
    return this.shown;
  }

  address(query, more) {
    return `api/v1/recordings?${query}&limit=${this.size}${more}`;
  }

  items({ recordings }) {
    recordings.forEach(rooted);
    return recordings;
  }

  keyOf({ camera, name }) {
    return `${camera}/${name}`;
  }

  // A recording may get its clip after its picture, and a better picture.
  signOf({ files, bytes }) {
    return `${Object.keys(files).join()} ${bytes}`;
  }

  placeOf({ name, camera }) {
    return `${name}.${camera}`;
  }

  told({ failing }) {
    this.fault.hidden = failing === "";
    setText(this.fault, `Nothing can be recorded: ${failing}.`);
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
    const one = document.createElement("span");
    one.className = "whole";
    one.append(swatch(label), several(label, count));
    labels.append(one, " ");
  }
  words.append(document.createElement("br"), labels);
  return words;
}
