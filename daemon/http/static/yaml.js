// Zones and lines as lines for the configuration file. Pure.

const PLAIN = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const NOT_PLAIN = new Set(["true", "false", "null", "yes", "no", "on", "off", "y", "n"]);

export function toYaml({ zones, lines }) {
  return [...section("zones", zones), ...section("lines", lines)].join("\n");
}

function section(name, places) {
  const known = Object.entries(places);
  if (known.length === 0) return [];
  return [`${name}:`, ...known.flatMap(([place, fields]) => [
    `  ${word(place)}:`,
    ...Object.entries(fields).map(([field, value]) => `    ${word(field)}: ${flow(value)}`),
  ])];
}

function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([key, inner]) => `${word(key)}: ${flow(inner)}`).join(", ")}}`;
  }
  return typeof value === "string" ? word(value) : JSON.stringify(value);
}

function word(text) {
  return PLAIN.test(text) && !NOT_PLAIN.has(text.toLowerCase()) ? text : JSON.stringify(text);
}
