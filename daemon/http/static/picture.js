// One camera's picture: the newest that came, what was found in it, and why it stands still.

import { setText } from "./daemon.js";
import { timeOfDay } from "./format.js";
import { Marks } from "./marks.js";
import { Trails } from "./trails.js";

export class Picture {
  constructor(name, root) {
    this.name = name;
    this.root = root;
    this.film = root.querySelector(".film");
    this.context = this.film.getContext("2d", { alpha: false });
    this.marks = new Marks(root.querySelector(".marks"));
    this.veil = root.querySelector(".veil");
    this.sight = null;
    this.places = { roi: null, crop: null, zones: {}, lines: {}, counts: null };
    this.trails = new Trails();
    this.next = null; // came while another was decoded
    this.decoding = false;
    this.onScreen = true;
    this.view = undefined; // of a zoom
    this.film.setAttribute("aria-label", `camera ${name}, no picture yet`);
    this.follow(root);
    new ResizeObserver(() => this.mark()).observe(root);
  }

  // What the camera's facts say of the picture; without a camera its places stay as they were.
  tell(said, camera = null) {
    this.veil.hidden = said.head === "";
    for (const part of ["head", "what", "since", "advice"]) {
      setText(this.veil.querySelector(`.veil-${part}`), said[part] ?? "");
    }
    if (camera === null) return;
    if (camera.paused && this.sight) this.forget();
    const { roi, crop, zones, lines, counts } = camera;
    this.place({ roi, crop, zones, lines, counts });
  }

  count(counts) {
    this.place({ ...this.places, counts });
  }

  place(places) {
    const isSame = JSON.stringify(places) === JSON.stringify(this.places);
    this.places = places;
    if (!isSame) this.mark();
  }

  // Newest wins: a browser that decodes slowly shows fewer pictures, none late.
  async show(sight, blob) {
    this.next = { sight, blob };
    if (this.decoding) return;
    this.decoding = true;
    while (this.next) {
      const { sight: shown, blob: jpeg } = this.next;
      this.next = null;
      const bitmap = await createImageBitmap(jpeg).catch(() => null);
      if (bitmap) this.put(shown, bitmap);
    }
    this.decoding = false;
  }

  put(sight, bitmap) {
    if (this.film.width !== bitmap.width) this.film.width = bitmap.width;
    if (this.film.height !== bitmap.height) this.film.height = bitmap.height;
    this.context.drawImage(bitmap, 0, 0);
    bitmap.close();
    this.sight = sight;
    this.trails.add(sight);
    this.root.dataset.shown = "";
    const label = `camera ${this.name}, picture of ${timeOfDay(sight.captured_ns)}`;
    if (!this.film.ariaLabel?.endsWith(label)) this.film.setAttribute("aria-label", label);
    this.mark();
  }

  // Nobody is to see any more what it showed.
  forget() {
    this.next = null;
    this.sight = null;
    this.trails = new Trails();
    this.context.clearRect(0, 0, this.film.width, this.film.height);
    delete this.root.dataset.shown;
    this.film.setAttribute("aria-label", `camera ${this.name}, no picture`);
    this.mark();
  }

  mark() {
    const scene = this.sight && { ...this.sight, ...this.places, trails: this.trails.shown };
    this.marks.draw(scene, this.view);
  }

  // Labels of what is pointed at.
  follow(root) {
    const target = root.closest(".tile") ?? root;
    const point = (at) => {
      this.marks.pointed = at;
      this.mark();
    };
    target.addEventListener("pointermove", ({ clientX, clientY }) => {
      const { left, top } = root.getBoundingClientRect();
      point({ x: clientX - left, y: clientY - top });
    });
    target.addEventListener("pointerleave", () => point(null));
  }
}
