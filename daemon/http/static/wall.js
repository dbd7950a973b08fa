// The cameras beside each other: how many at a time, where each lies, which are looked at.

import { pack } from "./layout.js";
import { onKey } from "./tools.js";
import { setText } from "./daemon.js";
import { Tile } from "./tile.js";

const KEPT_AS = "vedette.grid";
const GAP = 12;
const WALL_GAP = 4;
const BELOW = 36; // of a tile's name and figures, where they stand under the picture
const LEAST_HEIGHT = 200; // of a wall in a very low window

export class Wall {
  // `onChange` is called when other cameras came into view.
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.tiles = new Map(); // camera name → its tile
    this.first = 0; // of those shown at a time
    this.placed = "";
    this.buttons = [...document.querySelectorAll("[data-grid]")];
    this.pager = document.querySelector(".pager");
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.choose(button.dataset.grid));
      onKey(button.dataset.grid[0], () => this.choose(button.dataset.grid));
    }
    const pages = { before: -1, after: 1 };
    for (const [id, step] of Object.entries(pages)) {
      document.getElementById(id).addEventListener("click", () => this.turn(step));
    }
    onKey("ArrowLeft", () => this.turn(-1));
    onKey("ArrowRight", () => this.turn(1));
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: "100px" });
    new ResizeObserver(() => this.arrange()).observe(root);
    window.addEventListener("resize", () => this.arrange());
    this.choose(localStorage.getItem(KEPT_AS) ?? "auto");
  }

  choose(grid) {
    this.grid = ["1", "4", "9"].includes(grid) ? grid : "auto";
    localStorage.setItem(KEPT_AS, this.grid);
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.grid === this.grid));
    }
    this.root.classList.toggle("fixed", this.grid !== "auto");
    this.arrange();
    if (this.tiles.size) this.onChange();
  }

  turn(step) {
    if (this.grid === "auto" || !this.fits(this.first + step * Number(this.grid))) return false;
    this.first += step * Number(this.grid);
    this.arrange();
    this.onChange();
    return true;
  }

  fits(first) {
    return first >= 0 && first < this.tiles.size;
  }

  tell(cameras) {
    const names = new Set(cameras.map(({ name }) => name));
    for (const [name, tile] of this.tiles) {
      if (names.has(name)) continue;
      this.observer.unobserve(tile.element);
      tile.element.remove();
      this.tiles.delete(name);
    }
    for (const camera of cameras) (this.tiles.get(camera.name) ?? this.add(camera.name)).tell(camera);
    this.arrange();
  }

  add(name) {
    const tile = new Tile(name);
    tile.picture.onScreen = false; // until the observer says so
    this.tiles.set(name, tile);
    this.root.append(tile.element);
    this.observer.observe(tile.element);
    return tile;
  }

  seen(entries) {
    for (const { target, isIntersecting } of entries) {
      const tile = this.tiles.get(target.dataset.camera);
      if (tile) tile.picture.onScreen = isIntersecting;
    }
    this.onChange();
  }

  get onScreen() {
    return [...this.tiles.values()].filter(({ element, picture }) => !element.hidden && picture.onScreen);
  }

  // The widest that is looked at, in pixels of the screen.
  get widest() {
    const widths = this.onScreen.map(({ element }) => element.clientWidth);
    return Math.max(160, ...widths) * Math.min(2, window.devicePixelRatio || 1);
  }

  arrange() {
    const all = [...this.tiles.values()];
    const many = this.grid === "auto" ? all.length : Number(this.grid);
    if (!this.fits(this.first) || this.grid === "auto") this.first = 0;
    const shown = all.slice(this.first, this.first + many);
    this.showPager(all.length, shown.length);
    const space = this.space(shown.length);
    const placed = JSON.stringify([space, shown.map((tile) => [tile.name, tile.aspect])]);
    if (placed === this.placed) return;
    this.placed = placed;
    for (const tile of all) tile.element.hidden = !shown.includes(tile);
    const { places, height } = pack(shown.map(({ aspect }) => aspect), space);
    const down = document.fullscreenElement ? Math.max(0, (window.innerHeight - height) / 2) : 0;
    shown.forEach((tile, n) => tile.put({ ...places[n], y: places[n].y + down }));
    this.root.style.setProperty("--high", `${height}px`);
    if (all.length) this.root.dataset.placed = "";
  }

  space(count) {
    const width = this.root.clientWidth;
    if (this.grid === "auto") {
      const room = width < 600 ? null : Math.max(LEAST_HEIGHT, this.left(GAP));
      const wanted = width < 600 ? 400 : count === 1 ? LEAST_HEIGHT / 2 : width < 1000 ? 200 : 240;
      return { width, room, gap: GAP, wanted, below: BELOW };
    }
    return { width, room: Math.max(LEAST_HEIGHT, this.left(WALL_GAP)), gap: WALL_GAP };
  }

  // Of the window's height, down to a `gap` above its edge.
  left(gap) {
    if (document.fullscreenElement) return window.innerHeight;
    return window.innerHeight - this.root.getBoundingClientRect().top - window.scrollY - gap;
  }

  showPager(all, shown) {
    this.pager.hidden = this.grid === "auto" || shown === all;
    if (this.pager.hidden) return;
    const last = this.first + shown;
    setText(document.getElementById("shown"), `${shown > 1 ? `${this.first + 1}–` : ""}${last} of ${all}`);
    document.getElementById("before").disabled = !this.fits(this.first - Number(this.grid));
    document.getElementById("after").disabled = !this.fits(this.first + Number(this.grid));
  }
}
