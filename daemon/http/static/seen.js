// The list of what was seen last: what happened to objects that are followed; else a line when what a
// camera sees changes, not one per frame.

import { swatch } from "./elements.js";
import { eventWords, labelsOf, several, timeOfDay } from "./format.js";
import { pageOf } from "./root.js";

const LINES = 12;
const SAME_MS = 10000; // a sight that stays is told again after so long
const LEAST_MS = 1000; // between two lines of one camera

export class Seen {
  constructor(list, { links }) {
    this.list = list;
    this.links = links;
    this.told = new Map(); // camera → what was told of it last, and when
    this.following = new Set(); // cameras whose objects are followed
  }

  // An event in the life of an object.
  happened(event) {
    this.following.add(event.camera);
    const words = eventWords(event);
    if (words !== "") this.put(this.line(event.camera, event.at_ns, [swatch(event.label), words]), event.at_ns);
  }

  add(message) {
    const { camera, captured_ns: at, detections } = message;
    if (this.following.has(camera)) return;
    const labels = [...new Set(detections.map(({ label }) => label))].sort().join();
    const last = this.told.get(camera) ?? { labels: "", at: -Infinity };
    const since = performance.now() - last.at;
    if (since < (labels === last.labels ? SAME_MS : LEAST_MS)) return;
    if (labels === "") {
      this.told.set(camera, { labels, at: last.at });
      return;
    }
    this.told.set(camera, { labels, at: performance.now() });
    this.put(this.line(camera, at, labelsOf(detections).flatMap(([label, count]) => (
      [swatch(label), `${several(label, count)} `]
    ))), at);
  }

  // Newest first, though they come a little out of order.
  put(line, at) {
    line.dataset.at = at;
    const older = [...this.list.children].find((other) => Number(other.dataset.at) <= at);
    this.list.insertBefore(line, older ?? null);
    document.getElementById("seen-none").hidden = true;
    while (this.list.children.length > LINES) this.list.lastElementChild.remove();
  }

  line(camera, at, words) {
    const line = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = new Date(at / 1e6).toISOString();
    time.textContent = timeOfDay(at);
    line.append(time);
    if (this.links) {
      const link = document.createElement("a");
      link.href = pageOf(camera);
      link.textContent = camera;
      line.append(" ", link);
    }
    line.append(" ", ...words);
    return line;
  }
}
