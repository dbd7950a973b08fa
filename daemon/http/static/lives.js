// The list of what happened to objects: a line for each, newest first, which grows while it lasts.

import { setText } from "./daemon.js";
import { swatch } from "./elements.js";
import { duration, moment, percent, timeOfDay } from "./format.js";
import { Paged } from "./paging.js";
import { pageOf } from "./root.js";
import { rooted } from "./shots.js";

const SIZE = 30; // of a page

export class Lives extends Paged {
  // `query()` says which; `onOpen(recording)` shows what was recorded.
  constructor(root, { query, onOpen }) {
    super(root, { list: ".lives", query });
    this.onOpen = onOpen;
  }

  // Recordings of what is shown, for the lightbox; each once.
  get shots() {
    const all = this.shown.map(({ recording }) => recording);
    return all.filter((shot, n) => shot && all.findIndex((one) => isSame(one, shot)) === n);
  }

  address(query, more) {
    return `api/v1/objects?${query}&limit=${SIZE}${more}`;
  }

  items({ events }) {
    for (const { recording } of events) if (recording) rooted(recording);
    return events;
  }

  keyOf({ id }) {
    return id;
  }

  signOf(life) {
    return JSON.stringify(life);
  }

  sayNothing() {
    this.empty.hidden = this.list.children.length > 0;
    setText(this.empty, this.query() ? "Nothing happened that fits." : "Nothing happened yet: what comes into view of a camera that follows objects (tracking) is listed here.");
  }

  line(life) {
    const line = document.createElement("li");
    line.append(this.picture(life), words(life));
    return line;
  }

  picture({ recording, label, camera }) {
    const frame = document.createElement(recording ? "button" : "span");
    frame.className = "thumb";
    if (!recording) {
      frame.classList.add("none");
      frame.textContent = "no recording";
      return frame;
    }
    frame.type = "button";
    frame.setAttribute("aria-label", `Show the recording: ${label}, ${camera}, ${moment(recording.captured_ns)}`);
    const image = document.createElement("img");
    Object.assign(image, { loading: "lazy", width: 320, height: 180, alt: "", src: recording.files.thumbnail });
    frame.append(image);
    if (recording.files.clip) {
      const mark = document.createElement("span");
      mark.className = "clip-mark";
      mark.textContent = "▶ clip";
      frame.append(mark);
    }
    frame.addEventListener("click", () => this.onOpen(recording));
    return frame;
  }
}

function isSame(one, other) {
  return one?.camera === other.camera && one.name === other.name;
}

function words(life) {
  const { label, track, camera, since_ns: since, until_ns: until, best, stationary } = life;
  const now = life.ended === "" ? Math.max(until, Date.now() * 1e6) : until;
  const box = document.createElement("div");
  const head = document.createElement("p");
  head.append(swatch(label), strong(`${label} ${track}`), " at ");
  const link = document.createElement("a");
  link.href = pageOf(camera);
  link.textContent = camera;
  head.append(link);
  const lasted = document.createElement("p");
  const time = document.createElement("time");
  time.dateTime = new Date(since / 1e6).toISOString();
  time.textContent = moment(since);
  lasted.append(time, ` – ${ending(life, until)}, ${duration((now - since) / 1e9)}`);
  const more = document.createElement("p");
  more.className = "soft";
  const facts = [
    ...life.zones.map((zone) => `in ${zone}`),
    ...life.crossings.map(({ line, direction }) => `crossed ${line}: ${direction}`),
    `${percent(best.score)} at best`,
  ];
  if (stationary) facts.push("stands still");
  more.textContent = facts.join(" · ");
  box.append(head, lasted, more);
  return box;
}

function ending({ ended }, until) {
  if (ended === "") return "still there";
  return ended === "interrupted" ? `${timeOfDay(until)} (the daemon ended)` : timeOfDay(until);
}

function strong(text) {
  const made = document.createElement("strong");
  made.textContent = text;
  return made;
}
