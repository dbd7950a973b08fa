// One camera on the wall.

import { setText } from "./daemon.js";
import { timeOfDay } from "./format.js";
import { Picture } from "./picture.js";
import { pageOf } from "./root.js";
import { brief, spoken } from "./states.js";

const USUAL_ASPECT = 16 / 9; // until the camera has told its own

export class Tile {
  constructor(name) {
    this.name = name;
    this.element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    this.element.dataset.camera = name;
    const link = this.element.querySelector("h2 a");
    link.href = pageOf(name);
    link.textContent = name;
    this.picture = new Picture(name, this.element.querySelector(".picture"));
    this.brief = this.element.querySelector(".brief");
    this.badge = this.element.querySelector(".badge");
    this.camera = null;
  }

  get aspect() {
    const [width, height] = this.picture.sight?.size ?? this.size ?? [];
    return width > 0 && height > 0 ? width / height : USUAL_ASPECT;
  }

  tell(camera) {
    const said = spoken(camera);
    this.camera = camera;
    this.size = camera.picture?.size ?? (camera.stream && [camera.stream.width, camera.stream.height]);
    this.element.dataset.state = camera.state;
    this.element.dataset.tone = said.tone;
    this.badge.hidden = said.tone === "good";
    setText(this.badge, said.word);
    setText(this.brief, brief(camera));
    this.picture.tell(said, camera);
  }

  // The daemon does not answer: what is shown is old, and says how old.
  forsake() {
    const at = this.picture.sight?.captured_ns;
    this.element.dataset.tone = "off";
    this.badge.hidden = false;
    setText(this.badge, "unknown");
    setText(this.brief, "");
    this.picture.tell({
      head: "The daemon does not answer",
      what: "",
      since: at ? `last picture ${timeOfDay(at)}` : "",
    });
  }

  put({ x, y, width, height }) {
    const { style } = this.element;
    style.setProperty("--x", `${x}px`);
    style.setProperty("--y", `${y}px`);
    style.setProperty("--w", `${width}px`);
    style.setProperty("--h", `${height}px`);
  }
}
