// Pictures of all cameras that are looked at, over one connection, each with what was found in it.

import { Parts } from "./parts.js";
import { at } from "./root.js";

const AGAIN_MS = 2000; // after it broke or was refused
const GIVE_UP_MS = 10000; // on a single look

const text = new TextDecoder();

export class LiveStream {
  // `onPicture(sight, blob)`; `sight` is the JSON that comes before the picture.
  constructor(onPicture) {
    this.onPicture = onPicture;
    this.open = null; // what is streamed, and how to end it
    this.brokeAt = -Infinity;
    this.glancing = false;
  }

  // Called again and again; opens anew where other cameras or pixels are wanted.
  keep(cameras, width) {
    const query = queryOf(cameras, width);
    if (this.open?.query === query) return;
    this.close();
    if (cameras.length === 0 || performance.now() - this.brokeAt < AGAIN_MS) return;
    const ending = new AbortController();
    const open = { query, ending };
    this.open = open;
    this.read(query, ending.signal).catch(() => {}).finally(() => {
      if (this.open !== open) return; // it was closed on purpose
      this.open = null;
      this.brokeAt = performance.now();
    });
  }

  // The newest picture of each, once: for windows that may not keep a connection open.
  async glance(cameras, width) {
    if (this.glancing || cameras.length === 0) return;
    this.glancing = true;
    const query = `${queryOf(cameras, width)}&once=1`;
    await this.read(query, AbortSignal.timeout(GIVE_UP_MS)).catch(() => {});
    this.glancing = false;
  }

  close() {
    this.open?.ending.abort();
    this.open = null;
  }

  async read(query, signal) {
    const response = await fetch(at(`live?${query}`), { cache: "no-store", signal });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const reader = response.body.getReader();
    const parts = new Parts();
    let sight = null;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const { type, body } of parts.push(value)) {
        if (type === "application/json") sight = JSON.parse(text.decode(body));
        else if (!signal.aborted) this.onPicture(sight, new Blob([body], { type }));
      }
    }
  }
}

function queryOf(cameras, width) {
  const query = new URLSearchParams(cameras.map((name) => ["camera", name]));
  query.set("width", String(width));
  return query.toString();
}
