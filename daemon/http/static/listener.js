// What happens, as it comes, for as long as this window may listen.

const AGAIN_MS = 5000; // after a refusal, as there are too many listeners

export class Events {
  // `hear` has a function for each kind of message: detection, event, count.
  constructor(path, hear) {
    this.path = path;
    this.hear = hear;
    this.source = null;
    this.refusedAt = -Infinity;
  }

  // Called again and again; opens and closes as `wanted` says.
  keep(wanted) {
    if (!wanted) this.close();
    else if (!this.source && performance.now() - this.refusedAt > AGAIN_MS) this.open();
  }

  open() {
    this.source = new EventSource(this.path);
    for (const [kind, heard] of Object.entries(this.hear)) {
      this.source.addEventListener(kind, (event) => heard(JSON.parse(event.data)));
    }
    this.source.addEventListener("error", () => {
      if (this.source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
      this.refusedAt = performance.now();
      this.source = null;
    });
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}
