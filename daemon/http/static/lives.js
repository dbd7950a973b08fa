// The list of what happened to objects: a line for each, newest first, which grows while it lasts.

import { setText } from "./daemon.js";
import { inAddress } from "./filters.js";
import { swatch } from "./elements.js";
import { duration, moment, percent, timeOfDay } from "./format.js";
import { Paged } from "./paging.js";
import { at, pageOf } from "./root.js";
import { rooted } from "./shots.js";

const SIZE = 30; // of a page
const MINUTE_NS = 60e9;

// The address of one event among what happened around it: what one shares and comes back to.
function linkTo({ camera, id, since_ns: since, until_ns: until }) {
  const query = new URLSearchParams({ camera, from: minute(since), until: minute(until + MINUTE_NS) });
  return `${at(`events?${query}`)}#${encodeURIComponent(id)}`;
}

function minute(ns) {
  return inAddress(new Date(ns / 1e6));
}

export class Lives extends Paged {
  // `query()` says which; `onOpen(recording)` shows what was recorded.
  constructor(root, { query, onOpen }) {
    super(root, { list: ".lives", query });
    this.onOpen = onOpen;
    this.pointed = null; // the id that a link led to
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
    if (life.id === this.pointed) line.setAttribute("aria-current", "true");
    line.append(this.picture(life), words(life));
    return line;
  }

  // Shows one of them; whether it is there.
  async point(id) {
    this.pointed = id;
    while (!this.known.has(id)) if (!(await this.showOlder())) return false;
    const { line } = this.known.get(id);
    line.setAttribute("aria-current", "true");
    line.scrollIntoView({ block: "center" });
    line.querySelector(".when").focus({ preventScroll: true });
    return true;
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
  const when = document.createElement("a");
  const time = document.createElement("time");
  when.href = linkTo(life);
  when.className = "when";
  when.title = "Link to this event";
  time.dateTime = new Date(since / 1e6).toISOString();
  time.textContent = moment(since);
  when.append(time);
  lasted.append(when, ` – ${ending(life, until)}, ${duration((now - since) / 1e9)}`);
  const more = document.createElement("p");
  more.className = "soft";
  const facts = [
    ...life.zones.map((zone) => `in ${zone}`),
    ...life.crossings.map(({ line, direction }) => `crossed ${line}: ${direction}`),
    `${percent(best.score)} at best`,
  ];
  if (stationary) facts.push("stands still");
  more.textContent = facts.join("\u00a0· ");
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
