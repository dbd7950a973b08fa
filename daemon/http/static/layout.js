// How pictures of any shape fill a wall: rows of one height each, no black bars. Pure.

// `aspects` are width / height; answers { places: [{ x, y, width, height }], height }.
// Everything fits in `room` where rows of the `wanted` height fit in; else rows are about that high,
// however many there are. `below` is room under each picture.
export function pack(aspects, { width, room = null, gap = 0, wanted = 0, below = 0 }) {
  const block = room === null ? null : inBlock(aspects, width, room, gap, below);
  const isWhole = block?.rows.every(({ high }) => high >= wanted) ?? false;
  const rows = isWhole ? block.rows : flowing(aspects, width, gap, wanted);
  const left = isWhole ? (width - block.wide) / 2 : 0;
  let y = 0;
  const places = [];
  for (const { members, high } of rows) {
    let x = left;
    for (const aspect of members) {
      places.push({ x, y, width: aspect * high, height: high });
      x += aspect * high + gap;
    }
    y += high + below + gap;
  }
  return { places, height: Math.max(0, y - gap) };
}

function widthsHigh(members, width, gap) {
  const sum = members.reduce((all, aspect) => all + aspect, 0);
  return (width - gap * (members.length - 1)) / sum;
}

// A row ends where it is nearest to the wanted height.
function flowing(aspects, width, gap, wanted) {
  const rows = [];
  let members = [];
  const close = (high) => {
    rows.push({ members, high });
    members = [];
  };
  for (const aspect of aspects) {
    const before = widthsHigh(members, width, gap);
    const after = widthsHigh([...members, aspect], width, gap);
    if (members.length && after < wanted && before - wanted < wanted - after) close(before);
    members.push(aspect);
  }
  const high = widthsHigh(members, width, gap);
  const usual = rows.length ? Math.min(...rows.map((row) => row.high)) : wanted * 1.6;
  if (members.length) close(high > wanted * 1.3 ? Math.min(high, usual) : high);
  return rows;
}

// Rows that are all as wide as the block which they make, and that block as large as it can be; a last
// row of fewer pictures is as high as the one before it.
function inBlock(aspects, width, height, gap, below) {
  let best = { rows: [], wide: 0 };
  for (const groups of groupings(aspects)) {
    const gaps = gap * (groups[0].length - 1); // between the pictures of a row
    const sums = groups.map((members) => members.reduce((sum, aspect) => sum + aspect, 0));
    if (groups.at(-1).length < groups[0].length) sums.push(Math.max(sums.pop(), sums.at(-1)));
    const flat = sums.reduce((all, sum) => all + 1 / sum, 0); // height of a block of width 1
    const wide = Math.min(width, (height - groups.length * (below + gap) + gap) / flat + gaps);
    const rows = groups.map((members, n) => ({ members, high: Math.max(1, (wide - gaps) / sums[n]) }));
    if (area(rows) > area(best.rows)) best = { rows, wide };
  }
  return best;
}

// In one row, in two, and so on.
function groupings(aspects) {
  return aspects.map((_, rows) => {
    const each = Math.ceil(aspects.length / (rows + 1));
    const groups = [];
    for (let n = 0; n < aspects.length; n += each) groups.push(aspects.slice(n, n + each));
    return groups;
  });
}

function area(rows) {
  return rows.reduce((all, { members, high }) => (
    all + members.reduce((sum, aspect) => sum + aspect, 0) * high * high
  ), 0);
}
