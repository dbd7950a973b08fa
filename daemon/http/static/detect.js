// The button that pauses detection of a camera, and resumes it, where the daemon lets one.

import { ask, send } from "./daemon.js";
import { apiOf } from "./root.js";

export class DetectButton {
  // `refused` is given what is wrong, '' where nothing is.
  constructor(button, name, refused) {
    this.button = button;
    this.name = name;
    this.refused = refused;
    button.addEventListener("click", () => this.turn());
    ask(`api/v1/cameras/${encodeURIComponent(name)}/detect`).then(
      ({ switchable }) => { button.hidden = !switchable; },
      () => {},
    );
  }

  tell({ paused }) {
    this.button.setAttribute("aria-pressed", String(!paused));
    this.button.title = paused ? "Detection is paused: the camera's stream is closed" : "Pause detection and close the camera's stream";
  }

  async turn() {
    const enabled = this.button.getAttribute("aria-pressed") !== "true";
    this.button.disabled = true;
    const { answer, fault } = await send("POST", apiOf(this.name, "/detect"), { enabled }, "nothing was changed");
    this.button.disabled = false;
    if (!fault) this.tell(answer);
    this.refused(fault);
  }
}
