// One recording, large: its clip or its picture, left and right for the others. It is a step of the
// browser's history, so the way back closes it.

import { linkTo } from "./shots.js";
import { moment, objectWords } from "./format.js";
import { isPaused } from "./tools.js";

const PARTS = { clip: "Clip", boxes: "With boxes", picture: "Plain", message: "JSON" };

export class Lightbox {
  // `list` has `shots`, newest first, and `showOlder()`; `onMove(shot or null)` hears what is open.
  constructor(dialog, list, onMove) {
    this.dialog = dialog;
    this.list = list;
    this.onMove = onMove;
    this.shot = null;
    this.isStep = false; // of the history
    this.view = dialog.querySelector(".lightbox-view");
    this.parts = document.getElementById("lightbox-parts");
    this.newer = document.getElementById("lightbox-newer");
    this.older = document.getElementById("lightbox-older");
    this.newer.addEventListener("click", () => this.step(-1));
    this.older.addEventListener("click", () => this.step(1));
    document.getElementById("lightbox-close").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.closed());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    dialog.addEventListener("keydown", (event) => this.key(event));
    window.addEventListener("popstate", () => this.leave());
  }

  // `isStep` unless the address led here.
  open(shot, { isStep = true } = {}) {
    this.shot = shot;
    document.getElementById("lightbox-name").textContent = `${shot.camera}, ${moment(shot.captured_ns)}: ${objectWords(shot.detections)}`;
    this.show(["clip", "boxes", "picture", "thumbnail"].find((part) => shot.files[part]));
    const place = this.place;
    this.newer.disabled = place <= 0;
    this.older.disabled = place < 0 || (place === this.list.shots.length - 1 && this.list.next === null);
    if (!this.dialog.open) {
      this.dialog.showModal();
      this.isStep = isStep;
      if (isStep) history.pushState(null, "");
    }
    this.onMove(shot);
  }

  // Somebody went back.
  leave() {
    this.isStep = false;
    this.dialog.close();
  }

  get place() {
    return this.list.shots.findIndex(({ camera, name }) => camera === this.shot.camera && name === this.shot.name);
  }

  async step(by) {
    const wanted = this.place + by;
    if (wanted < 0) return;
    if (wanted >= this.list.shots.length) await this.list.showOlder();
    const shot = this.list.shots[wanted];
    if (shot && this.shot) this.open(shot);
  }

  show(part) {
    const address = this.shot.files[part];
    this.view.replaceChildren(part === "clip" ? film(address) : image(address, this.shot));
    this.parts.replaceChildren(
      ...Object.keys(PARTS).filter((one) => this.shot.files[one]).flatMap((one) => this.button(one, part)),
      link(linkTo(this.shot), "Link"),
    );
  }

  // A button that shows it, and what keeps a copy of it.
  button(part, shown) {
    const address = this.shot.files[part];
    if (part === "message") return [link(address, PARTS[part])];
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = PARTS[part];
    button.setAttribute("aria-pressed", String(part === shown));
    button.addEventListener("click", () => this.show(part));
    const save = link(address, "↓");
    save.download = `${this.shot.camera}-${new URL(address, location).pathname.split("/").at(-1)}`;
    save.setAttribute("aria-label", `Download: ${PARTS[part]}`);
    const both = document.createElement("span");
    both.className = "pair";
    both.append(button, save);
    return [both];
  }

  key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault(); // a clip would jump
    this.step(steps[event.key]);
  }

  closed() {
    this.shot = null;
    this.view.replaceChildren();
    if (!this.isStep) return this.onMove(null);
    this.isStep = false;
    history.back(); // to the address of the list
  }
}

function film(address) {
  const video = document.createElement("video");
  video.src = address;
  video.controls = true;
  video.autoplay = !isPaused(); // for who wants little motion
  video.loop = true;
  video.muted = true; // there is no sound; without it nothing starts by itself
  return video;
}

function image(address, shot) {
  const picture = document.createElement("img");
  picture.src = address;
  picture.alt = `${shot.camera}: ${objectWords(shot.detections)}`;
  return picture;
}

function link(address, text) {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.textContent = text;
  return anchor;
}
