// A list that the daemon gives in pages, newest first: it grows at the top by itself and at the bottom on demand.

import { ask } from "./daemon.js";

const ASK_MS = 5000;

// Who extends it says:
//   address(query, more)  where a page is asked for        items(page)  what is in one, newest first
//   keyOf(item)           what an item is known by         signOf(item) what changes when its line has to
//   line(item)            the <li> of it                   sayNothing(page), told(page)
export class Paged {
  // `list` is found in `root` by its selector; `query()` says which items.
  constructor(root, { list, query, most = Infinity }) {
    Object.assign(this, { root, query, most });
    this.list = root.querySelector(list);
    this.empty = root.querySelector(".empty");
    this.button = root.querySelector("#older");
    this.button?.addEventListener("click", () => this.showOlder());
    this.askedAt = -Infinity;
    this.known = new Map(); // key → { item, sign, line }
    this.next = null;
  }

  // What is shown, newest first.
  get shown() {
    return [...this.list.children].map((line) => this.known.get(line.dataset.key).item);
  }

  // Something happened: it is written within a second.
  soon() {
    this.askedAt = Math.min(this.askedAt, performance.now() - ASK_MS + 1000);
  }

  async refresh() {
    if (performance.now() - this.askedAt < ASK_MS) return;
    this.askedAt = performance.now();
    const page = await this.page("");
    if (page === null) return;
    this.told(page);
    const items = this.items(page);
    if (!items.some((item) => this.known.has(this.keyOf(item)))) this.clear(page.next);
    for (const item of items.reverse()) this.show(item, "prepend");
    while (this.list.children.length > this.most) this.dropOldest();
    this.sayNothing(page);
  }

  // Other ones are wanted.
  async anew() {
    this.clear(null);
    this.askedAt = -Infinity;
    await this.refresh();
  }

  // Whether there were any.
  async showOlder() {
    if (this.next === null) return false;
    const page = await this.page(`&before=${encodeURIComponent(this.next)}`);
    if (page === null) return false;
    const before = this.list.children.length;
    const items = this.items(page);
    this.most = Math.max(this.most, before + items.length);
    for (const item of items) this.show(item, "append");
    this.continueAt(page.next);
    this.sayNothing(page);
    return this.list.children.length > before;
  }

  // Null where there is no answer (the next turn tells why), or other ones are wanted by now.
  async page(more) {
    const query = this.query();
    const page = await ask(this.address(query, more)).catch(() => null);
    return query === this.query() ? page : null;
  }

  told() {}

  clear(next) {
    this.known.clear();
    this.list.replaceChildren();
    this.continueAt(next);
  }

  continueAt(next) {
    this.next = next;
    if (this.button) this.button.hidden = next === null;
  }

  // One that is there already gets a new line where it changed.
  show(item, place) {
    const key = this.keyOf(item);
    const known = this.known.get(key);
    const sign = this.signOf(item);
    if (known?.sign === sign) return;
    const line = this.line(item);
    line.dataset.key = key;
    this.known.set(key, { item, sign, line });
    if (known) known.line.replaceWith(line);
    else this.list[place](line);
  }

  dropOldest() {
    const last = this.list.lastElementChild;
    const { item } = this.known.get(last.dataset.key);
    this.known.delete(last.dataset.key);
    last.remove();
    this.continueAt(this.placeOf(item));
  }
}
