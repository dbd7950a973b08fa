// One colour per label, the same in every picture, list and recording (daemon/answers/colours.py).
// All are light: they lie on a dark edge in pictures, and on a swatch in lists.

const KNOWN = {
  person: "#ffd23f",
  car: "#4cc9f0",
  truck: "#5e9bff",
  bus: "#b794ff",
  motorcycle: "#2ee6c5",
  bicycle: "#8be36b",
  dog: "#ff9a5c",
  cat: "#ff7aa8",
  bird: "#f4f1de",
};
const OTHERS = [
  "#ff9f9f", "#ffb86b", "#e8e36a", "#b6f09c", "#7ff0c9", "#8fe3ff",
  "#a5b8ff", "#d0a8ff", "#ff9be8", "#ffc2a6", "#d8d8a8", "#a8d8d0",
];

export function colourOf(label) {
  if (Object.hasOwn(KNOWN, label)) return KNOWN[label];
  let sum = 0;
  for (const byte of new TextEncoder().encode(label)) sum = (sum * 31 + byte) % 4093;
  return OTHERS[sum % OTHERS.length];
}
