// What can be said of the chosen zone or line: name, labels, times, ways.

const TIMES = [
  ["enter_after_s", "entered after", "0.3"],
  ["leave_after_s", "left after", "1"],
  ["loiter_after_s", "loiters after", "never"],
];

export class PlaceForm {
  // `onChange()` after every change; `onRemove()` when it is to go.
  constructor(root, places, labels, onChange, onRemove) {
    Object.assign(this, { root, places, labels, onChange, onRemove });
    this.shown = null;
    root.addEventListener("submit", (event) => event.preventDefault());
    root.addEventListener("input", (event) => this.take(event.target));
  }

  // Built anew when another place is chosen, so that who types is not interrupted.
  show() {
    const { current: place, chosen } = this.places;
    this.root.parentElement.hidden = place === null;
    const shown = place && `${chosen} ${place.kind}`;
    if (shown === this.shown) return;
    this.shown = shown;
    if (place) this.root.replaceChildren(...this.fields(place));
    if (place) document.getElementById("chosen-name").textContent = place.kind === "zone" ? "The chosen zone" : "The chosen line";
  }

  renew() {
    this.shown = null;
    this.show();
  }

  fields({ kind, name, rest }) {
    const own = kind === "zone"
      ? TIMES.map(([field, words, usual]) => input(field, `${words} (s)`, rest[field] ?? "", usual, "number"))
      : [input("left", "to the left is called", rest.left ?? "left"), input("right", "to the right is called", rest.right ?? "right")];
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = `Remove this ${kind}`;
    remove.addEventListener("click", () => this.onRemove());
    return [input("name", "name", name), this.choices(rest.labels), ...own, remove];
  }

  choices(chosen) {
    const set = document.createElement("fieldset");
    const legend = document.createElement("legend");
    legend.textContent = "counts (all where none is ticked)";
    set.append(legend, ...this.labels.map((label) => {
      const line = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.name = "labels";
      box.value = label;
      box.checked = chosen?.includes(label) ?? false;
      line.append(box, label);
      return line;
    }));
    return set;
  }

  take(field) {
    const place = this.places.current;
    if (!place) return;
    this.places.keep(`${field.name} ${this.places.chosen}`);
    if (field.name === "name") place.name = field.value;
    else if (field.name === "labels") this.takeLabels(place);
    else if (field.type === "number") setOrDrop(place.rest, field.name, field.value === "" ? undefined : Number(field.value));
    else setOrDrop(place.rest, field.name, field.value);
    this.onChange();
  }

  takeLabels(place) {
    const ticked = [...this.root.querySelectorAll("[name=labels]:checked")].map(({ value }) => value);
    setOrDrop(place.rest, "labels", ticked.length ? ticked : undefined);
  }
}

function setOrDrop(rest, field, value) {
  if (value === undefined) delete rest[field];
  else rest[field] = value;
}

function input(name, words, value, placeholder = "", type = "text") {
  const line = document.createElement("label");
  const field = document.createElement("input");
  Object.assign(field, { name, type, value, placeholder, autocomplete: "off", spellcheck: false });
  if (type === "number") Object.assign(field, { min: 0, step: "any" });
  line.append(words, field);
  return line;
}
