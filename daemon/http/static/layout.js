// How pictures of any shape fill a wall: rows of one height each, no black bars. Pure.

// `aspects` are width / height; answers { places: [{ x, y, width, height }], height }.
// With a `height` everything fits in it; without one rows are about `wanted` high. `below` is room
// under each picture.
export function pack(aspects, { width, height = null, gap = 0, wanted = 240, below = 0 }) {
  const rows = height === null
    ? flowing(aspects, width, gap, wanted)
    : fitting(aspects, width, height, gap, below);
  const whole = rows.reduce((sum, { high }) => sum + high + below + gap, -gap);
  let y = height === null ? 0 : (height - whole) / 2;
  const places = [];
  for (const { members, high } of rows) {
    const long = members.reduce((sum, aspect) => sum + aspect * high + gap, -gap);
    let x = height === null ? 0 : (width - long) / 2;
    for (const aspect of members) {
      places.push({ x, y, width: aspect * high, height: high });
      x += aspect * high + gap;
    }
    y += high + below + gap;
  }
  return { places, height: height ?? Math.max(0, whole) };
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

// The number of rows in which the pictures are largest.
function fitting(aspects, width, height, gap, below) {
  let best = [];
  for (let count = 1; count <= aspects.length; count += 1) {
    const each = Math.ceil(aspects.length / count);
    const groups = [];
    for (let n = 0; n < aspects.length; n += each) groups.push(aspects.slice(n, n + each));
    const most = (height - gap * (groups.length - 1)) / groups.length - below;
    const rows = groups.map((members) => ({
      members,
      high: Math.max(1, Math.min(most, widthsHigh(members, width, gap))),
    }));
    if (area(rows) > area(best)) best = rows;
  }
  return best;
}

function area(rows) {
  return rows.reduce((all, { members, high }) => (
    all + members.reduce((sum, aspect) => sum + aspect, 0) * high * high
  ), 0);
}
