// The form that narrows a list; what it says is in the page's address, so that it can be shared.

const TIMES = ["from", "until"];

// As <input type="datetime-local"> wants it.
export function local(time) {
  const shifted = new Date(time.getTime() - time.getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 16);
}

// As an address has it: the same moment wherever it is opened.
export function inAddress(time) {
  return `${time.toISOString().slice(0, 16)}Z`;
}

export class Filters {
  // `onChange()` when another list is wanted.
  constructor(form, onChange) {
    this.form = form;
    this.asked = new URLSearchParams(location.search); // until its choices are known
    form.addEventListener("change", () => onChange());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => {
      this.asked = new URLSearchParams();
      onChange();
    }));
    for (const field of form.elements) {
      const wanted = this.asked.get(field.name);
      if (!wanted) continue;
      if (field.tagName === "SELECT") this.offer(field.name, []);
      field.value = TIMES.includes(field.name) ? localOr(wanted) : wanted;
    }
  }

  // In the daemon's words.
  get query() {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(this.form)) {
      if (value !== "") query.set(name, TIMES.includes(name) ? new Date(value).toISOString() : value);
    }
    return query;
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.form.elements[name].value = value;
    this.form.dispatchEvent(new Event("change"));
  }

  // Choices once they are known; what the address asks for is chosen from the start.
  offer(name, choices) {
    const select = this.form.elements[name];
    const known = [...select.options].map(({ value }) => value);
    const wanted = this.asked.get(name);
    for (const choice of [...choices, ...(wanted ? [wanted] : [])]) {
      if (known.includes(choice)) continue;
      select.add(new Option(choice, choice));
      known.push(choice);
    }
  }

  remember(hash = "") {
    const query = this.query;
    for (const name of TIMES) if (query.has(name)) query.set(name, inAddress(new Date(query.get(name))));
    const search = query.size ? `?${query}` : location.pathname;
    history.replaceState(null, "", search + hash);
  }
}

function localOr(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "" : local(time);
}
