// Looks closer at a picture: wheel, pinch, double click, keys; drags it where it is enlarged.

const MOST = 8;
const STEP = 1.35;
const MOVE = 0.15; // of the picture, by an arrow key

export class Zoom {
  // `onChange({ x, y, scale })`: pixels by which the picture's corner moved, and its enlargement.
  constructor(root, onChange) {
    this.root = root;
    this.onChange = onChange;
    this.view = { x: 0, y: 0, scale: 1 };
    this.fingers = new Map(); // pointer id → where it is
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    root.addEventListener("dblclick", (event) => this.toggle(this.inside(event)));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
      root.addEventListener(end, ({ pointerId }) => this.fingers.delete(pointerId));
    }
    new ResizeObserver(() => this.set(this.view)).observe(root);
  }

  by(factor, about = this.middle) {
    const scale = Math.min(MOST, Math.max(1, this.view.scale * factor));
    const grown = scale / this.view.scale;
    this.set({
      x: about.x - (about.x - this.view.x) * grown,
      y: about.y - (about.y - this.view.y) * grown,
      scale,
    });
  }

  pan(x, y) {
    this.set({ ...this.view, x: this.view.x + x, y: this.view.y + y });
  }

  get middle() {
    return { x: this.root.clientWidth / 2, y: this.root.clientHeight / 2 };
  }

  // The picture never leaves its frame.
  set({ x, y, scale }) {
    const least = (length) => length * (1 - scale);
    this.view = {
      x: Math.min(0, Math.max(least(this.root.clientWidth), x)),
      y: Math.min(0, Math.max(least(this.root.clientHeight), y)),
      scale,
    };
    this.root.classList.toggle("enlarged", scale > 1);
    this.onChange(this.view);
  }

  inside({ clientX, clientY }) {
    const { left, top } = this.root.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  wheel(event) {
    const out = event.deltaY > 0;
    if (out && this.view.scale === 1) return; // the page scrolls on
    event.preventDefault();
    this.by(2 ** (-Math.max(-120, Math.min(120, event.deltaY)) / 240), this.inside(event));
  }

  toggle(about) {
    if (this.view.scale > 1) this.set({ x: 0, y: 0, scale: 1 });
    else this.by(2.5, about);
  }

  key(event) {
    const width = this.root.clientWidth * MOVE;
    const height = this.root.clientHeight * MOVE;
    const acts = {
      "+": () => this.by(STEP),
      "=": () => this.by(STEP),
      "-": () => this.by(1 / STEP),
      0: () => this.set({ x: 0, y: 0, scale: 1 }),
      ArrowLeft: () => this.pan(width, 0),
      ArrowRight: () => this.pan(-width, 0),
      ArrowUp: () => this.pan(0, height),
      ArrowDown: () => this.pan(0, -height),
    };
    const isMove = event.key.startsWith("Arrow");
    if (!acts[event.key] || event.ctrlKey || event.metaKey || (isMove && this.view.scale === 1)) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }

  down(event) {
    this.fingers.set(event.pointerId, this.inside(event));
    if (this.view.scale > 1 || this.fingers.size > 1) this.root.setPointerCapture(event.pointerId);
  }

  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.inside(event);
    const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.fingers.set(event.pointerId, now);
    if (!other) {
      if (this.view.scale > 1) this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.by(distance(now, other) / Math.max(1, distance(before, other)), middle);
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
