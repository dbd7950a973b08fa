// Takes a multipart answer apart as it comes; every part tells its length.

const HEAD_END = [13, 10, 13, 10];
const text = new TextDecoder();

export class Parts {
  constructor() {
    this.bytes = new Uint8Array(0);
  }

  // The parts that are whole once `chunk` is there: { type, body }.
  push(chunk) {
    this.bytes = joined(this.bytes, chunk);
    const whole = [];
    for (let part = this.next(); part; part = this.next()) whole.push(part);
    return whole;
  }

  next() {
    const end = indexOf(this.bytes, HEAD_END);
    if (end < 0) return null;
    const head = text.decode(this.bytes.subarray(0, end)); // with the boundary before it
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1]);
    const from = end + HEAD_END.length;
    if (Number.isNaN(length)) throw new Error("a part without a length");
    if (this.bytes.length < from + length) return null;
    const part = {
      type: /content-type: *([^\r;]+)/i.exec(head)?.[1] ?? "",
      body: this.bytes.slice(from, from + length),
    };
    this.bytes = this.bytes.subarray(from + length);
    return part;
  }
}

function joined(one, other) {
  if (one.length === 0) return other;
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function indexOf(bytes, pattern) {
  for (let at = bytes.indexOf(pattern[0]); at >= 0; at = bytes.indexOf(pattern[0], at + 1)) {
    if (pattern.every((byte, n) => bytes[at + n] === byte)) return at;
  }
  return -1;
}
