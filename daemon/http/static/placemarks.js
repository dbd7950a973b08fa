// Zones and lines over a picture, faintly, with how many are in them and went across.

const EDGE = "rgb(0 0 0 / 55%)";
const HIGH = 14; // of a line of words
const FONT = "600 11px system-ui, sans-serif";

// `scene` has zones and lines as the configuration, and counts, which may be null. Answers where
// words are: rectangles { x, y, w, h }.
export function drawPlaces(context, { zones, lines, counts }, toScreen, withWords) {
  const taken = [];
  const say = (words, points) => withWords && write(context, words, points, taken);
  for (const [name, { area }] of Object.entries(zones ?? {})) {
    const corners = area.map(([x, y]) => toScreen.fraction(x, y));
    const inside = sum(Object.values(counts?.zones[name] ?? {}));
    outline(context, corners, true, inside ? "rgb(255 210 63 / 95%)" : "rgb(255 255 255 / 60%)");
    if (inside) fill(context, corners);
    say(counts ? `${name} ${inside}` : name, corners);
  }
  for (const [name, line] of Object.entries(lines ?? {})) {
    const ends = [line.from, line.to].map(([x, y]) => toScreen.fraction(x, y));
    outline(context, ends, false, "rgb(76 201 240 / 90%)");
    say([name, ...crossings(line, counts?.lines[name])].join(" "), ends);
  }
  return taken.map(({ left, bottom, wide }) => ({ x: left, y: bottom - HIGH + 3, w: wide, h: HIGH }));
}

function crossings({ left = "left", right = "right" }, labels) {
  if (!labels) return [];
  const went = (way) => sum(Object.values(labels).map((ways) => ways[way] ?? 0));
  return [`${left} ${went(left)}`, `${right} ${went(right)}`];
}

function sum(numbers) {
  return numbers.reduce((all, number) => all + number, 0);
}

function outline(context, points, isClosed, style) {
  context.beginPath();
  for (const { x, y } of points) context.lineTo(x, y);
  if (isClosed) context.closePath();
  for (const [stroke, width] of [[EDGE, 3], [style, 1.25]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.stroke();
  }
}

function fill(context, corners) {
  context.beginPath();
  for (const { x, y } of corners) context.lineTo(x, y);
  context.fillStyle = "rgb(255 210 63 / 10%)";
  context.fill();
}

// A name stands at the lowest corner where it meets no other: there is nobody's head. It covers
// nothing but for its letters.
function write(context, words, points, taken) {
  context.font = FONT;
  context.textBaseline = "alphabetic";
  const wide = context.measureText(words).width;
  const ratio = window.devicePixelRatio || 1;
  const spots = [...points].sort((one, other) => other.y - one.y).map(({ x, y }) => ({
    left: Math.max(4, Math.min(x + 6, context.canvas.width / ratio - wide - 4)),
    bottom: Math.max(14, Math.min(y - 6, context.canvas.height / ratio - 6)),
    wide,
  }));
  const spot = spots.find((one) => !taken.some((other) => meet(one, other)));
  if (!spot) return;
  taken.push(spot);
  context.lineWidth = 3;
  context.strokeStyle = "rgb(8 12 15 / 85%)";
  context.strokeText(words, spot.left, spot.bottom);
  context.fillStyle = "#fff";
  context.fillText(words, spot.left, spot.bottom);
}

function meet(one, other) {
  return one.left < other.left + other.wide && other.left < one.left + one.wide
    && Math.abs(one.bottom - other.bottom) < HIGH;
}
