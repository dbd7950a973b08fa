// The button that pauses detection of a camera, and resumes it, where the daemon lets one.

import { ask } from "./daemon.js";
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
    const response = await fetch(apiOf(this.name, "/detect"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ enabled }),
    }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    this.button.disabled = false;
    if (response?.ok) this.tell(answer);
    this.refused(response?.ok ? "" : answer?.error?.detail ?? "The daemon does not answer: nothing was changed.");
  }
}
