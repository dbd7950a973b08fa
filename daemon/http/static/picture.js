// One camera's picture: a stream, snapshots once a second, or the last one where it stands still.

import { setText } from "./daemon.js";
import { trouble } from "./format.js";

// A stream that ended looks like one that goes on, and is not asked for again under one address.
const RENEW_MS = 30000;

let streamsBegun = 0;

const button = document.getElementById("pause");
let paused = matchMedia("(prefers-reduced-motion: reduce)").matches;

function showPaused() {
  button.setAttribute("aria-pressed", String(paused));
}

button.addEventListener("click", () => {
  paused = !paused;
  showPaused();
});
showPaused();

export class Picture {
  constructor(name, root, width) {
    this.name = name;
    this.width = width;
    this.root = root;
    this.image = root.querySelector("img");
    this.veil = root.querySelector(".veil");
    this.source = null;
    this.streamingSince = null;
    this.onScreen = true;
    this.image.alt = `camera ${name}`;
    this.image.addEventListener("error", () => this.clear()); // the next facts try again
  }

  // Shows what `camera` has; returns whether that took one of the streams that are free.
  update(camera, mayStream) {
    const words = trouble(camera);
    this.veil.hidden = words === "";
    setText(this.veil, words);
    if (document.hidden || !this.onScreen || camera.picture === null) {
      this.clear();
      return false;
    }
    const streams = mayStream && !paused && ["streaming", "tampered"].includes(camera.state);
    if (streams) this.stream();
    else this.snapshot(camera.picture.captured_ns);
    return streams;
  }

  stream() {
    const now = performance.now();
    if (this.streamingSince !== null && now - this.streamingSince < RENEW_MS) return;
    this.streamingSince = now;
    streamsBegun += 1;
    this.show(`/live/${this.name}.mjpg?${streamsBegun}`);
  }

  snapshot(at) {
    const standsStill = paused || !this.image.complete; // the one before is on its way
    if (this.streamingSince === null && this.source !== null && standsStill) return;
    this.streamingSince = null;
    this.show(`/api/v1/cameras/${this.name}/snapshot.jpg?width=${this.width}&at=${at}`);
  }

  clear() {
    this.streamingSince = null;
    this.source = null;
    this.image.hidden = true;
    this.image.removeAttribute("src");
  }

  show(source) {
    if (this.source === source) return;
    this.source = source;
    this.image.hidden = false;
    this.image.src = source;
  }
}
