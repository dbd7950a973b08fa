// The inside of a camera, folded away: stream, frames by fate, the last ten minutes.

import { draw } from "./chart.js";
import { ask, setText } from "./daemon.js";
import { fill, fillTable } from "./elements.js";
import { duration, milliseconds, number, percent, rate } from "./format.js";
import { apiOf, at } from "./root.js";

const HISTORY_MS = 5000; // the daemon's own step
const FATES = {
  fps_cap: "left out: detect.fps asks for fewer",
  gated: "left out: nothing had changed",
  overwritten: "a newer frame came first",
  stale: "too old when its turn came",
  corrupt: "damaged on the way",
  preprocess_error: "could not be scaled",
  infer_error: "the detector failed",
  shutdown: "the daemon was stopping",
};

// In how many pieces the detector is shown the picture; they are drawn over it.
function shown({ crop, tiles, picture }) {
  const rows = picture?.parts.length ?? 1;
  const what = crop ? "its crop" : "the whole picture";
  if (tiles === null) return what;
  const most = tiles.most_rows;
  return rows > 1 ? `${rows} rows: ${tiles.full ? `${what} and ` : ""}tiles` : `${what}; no tiles (rows allowed: ${most})`;
}

export class Diagnostics {
  constructor(root, name) {
    this.root = root;
    this.history = `api/v1/cameras/${encodeURIComponent(name)}/history`;
    this.askedAt = -Infinity;
    this.camera = null;
    root.addEventListener("toggle", () => this.show());
    for (const [id, target] of Object.entries({
      "link-facts": apiOf(name),
      "link-history": apiOf(name, "/history"),
      "link-recordings": apiOf(name, "/recordings"),
      "link-events": at(`api/v1/events?camera=${encodeURIComponent(name)}`),
      "link-stream": at(`live/${encodeURIComponent(name)}.mjpg`),
    })) document.getElementById(id).href = target;
  }

  tell(camera) {
    this.camera = camera;
    this.show();
  }

  forget() {
    this.camera = null;
    fill(document.getElementById("stream"), []);
    fillTable(document.getElementById("frames"), []);
    setText(document.getElementById("balance"), "");
  }

  show() {
    if (!this.root.open || this.camera === null) return;
    this.showStream(this.camera);
    this.showFrames(this.camera.frames);
    this.showHistory();
  }

  showStream(camera) {
    const { stream } = camera;
    const age = camera.last_frame_age_s;
    const rows = [
      ["address", camera.address],
      ["state", `${camera.state}${camera.reason ? ` (${camera.reason})` : ""} for ${duration(camera.in_state_s)}`],
      ["last frame", age === null ? "none yet" : `${duration(age)} ago`],
      ["answered", `${rate(camera.fps.inferred)} of ${rate(camera.fps.target)} fps`],
      ["reconnects", number(camera.reconnects)],
    ];
    if (stream) {
      rows.push(
        ["picture", `${stream.width} × ${stream.height}`],
        ["codec", stream.codec],
        ["announced", stream.fps === null ? "no rate" : `${rate(stream.fps)} fps`],
        ["transport", stream.transport],
        ["decoder", stream.decoder],
        ["shown to the detector", shown(camera)],
      );
    }
    fill(document.getElementById("stream"), rows);
  }

  showFrames({ captured, inferred, dropped, in_flight: inFlight, balanced }) {
    const share = (count) => [number(count), captured ? percent(count / captured) : "–"];
    fillTable(document.getElementById("frames"), [
      ["captured", number(captured), ""],
      ["answered", ...share(inferred)],
      ...Object.entries(dropped).map(([reason, count]) => [
        FATES[reason] ? `${reason}: ${FATES[reason]}` : reason, ...share(count),
      ]),
      ["in flight", number(inFlight), ""],
    ]);
    const verdict = balanced ? "The books balance." : "The books do not balance.";
    setText(document.getElementById("balance"), verdict);
  }

  async showHistory() {
    if (performance.now() - this.askedAt < HISTORY_MS) return;
    this.askedAt = performance.now();
    const past = await ask(this.history).catch(() => null); // the next turn tells why
    if (past === null) return;
    const fps = "frames per second in and answered";
    draw("fps", [past.captured_fps, past.inferred_fps], { name: fps, words: rate, least: 1 });
    draw("latency", [past.latency_ms], { name: "latency", words: milliseconds, least: 10 });
    draw("lost", [past.lost_fps], { name: "frames lost per second", words: rate, least: 1 });
  }
}
