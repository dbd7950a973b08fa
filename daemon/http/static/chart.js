// A line over the last ten minutes, drawn as SVG without any inline style.

const SVG = "http://www.w3.org/2000/svg";
const POINTS = 120; // as many as the daemon keeps
const HEIGHT = 40;

// `id` is a <figure>'s; `series` are arrays of numbers or null, oldest first.
export function draw(id, series, { name, words, least }) {
  const root = document.getElementById(id);
  const known = series.flat().filter((value) => value !== null);
  const top = Math.max(least, ...known) * 1.05;
  const svg = root.querySelector("svg");
  svg.setAttribute("viewBox", `0 0 ${POINTS} ${HEIGHT}`);
  svg.replaceChildren(...series.flatMap((values, index) => lines(values, top, index)));
  const newest = series.map((values) => words(values.at(-1) ?? null)).join(" / ");
  const most = known.length ? words(Math.max(...known)) : "–";
  root.querySelector(".now").textContent = newest;
  root.querySelector(".most").textContent = `most ${most}`;
  svg.setAttribute("aria-label", `${name}, last ten minutes: now ${newest}, most ${most}`);
}

// One polyline for every stretch without a gap; a single point becomes a short dash.
function lines(values, top, index) {
  const stretches = [[]];
  values.forEach((value, n) => {
    if (value === null) {
      stretches.push([]);
      return;
    }
    const x = POINTS - values.length + n;
    const y = (HEIGHT - 1) * (1 - value / top) + 0.5;
    stretches.at(-1).push(`${x},${y.toFixed(2)}`, `${x + 1},${y.toFixed(2)}`);
  });
  return stretches.filter((points) => points.length).map((points) => {
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", `line${index}`);
    return line;
  });
}
