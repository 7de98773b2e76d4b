// The content of the page: names and numbers as JSON, arrays as one compressed block.

const page = JSON.parse(document.getElementById("page-data").textContent);

const ARRAY_TYPES = {
  u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array, f4: Float32Array,
};

async function readArrays() {
  const text = document.getElementById("page-arrays").textContent;
  let bytes;
  if (Uint8Array.fromBase64) {
    bytes = Uint8Array.fromBase64(text);
  } else {
    const letters = atob(text);
    bytes = new Uint8Array(letters.length);
    for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const whole = await new Response(stream).arrayBuffer();
  const arrays = {};
  for (const entry of page.buffers) {
    const count = entry.shape.reduce((product, side) => product * side, 1);
    arrays[entry.name] = new ARRAY_TYPES[entry.type](whole, entry.offset, count);
  }
  return arrays;
}

// First row of each group, and the number of rows at the end.
function offsetsOf(counts) {
  const offsets = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) offsets[i + 1] = offsets[i] + counts[i];
  return offsets;
}

const byId = (id) => document.getElementById(id);

// Every text on the page comes through here: text from files never becomes HTML.
function make(tag, text, className) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
}

function option(value, text) {
  const element = make("option", text);
  element.value = value;
  return element;
}

const MINUS = "\u2212", NARROW = "\u202f";

function number(value, digits = 1) {
  if (!Number.isFinite(value)) return "\u2013";
  const text = value.toFixed(digits);
  const isZero = /^-0(\.0*)?$/.test(text);
  return (isZero ? text.slice(1) : text).replace("-", MINUS);
}

const withUnit = (value, unit, digits = 1) =>
  Number.isFinite(value) ? number(value, digits) + (unit ? NARROW + unit : "") : "\u2013";

// Three digits, as a power of ten where that is shorter.
function short(value, unit = "") {
  if (!Number.isFinite(value)) return "\u2013";
  const isPlain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5);
  const text = isPlain ? String(Number(value.toPrecision(3))) : value.toExponential(1);
  return text.replaceAll("-", MINUS) + (unit ? NARROW + unit : "");
}

const point = (x, y, z) => `${number(x)}, ${number(y)}, ${number(z)}${NARROW}m`;

const degrees = (radians) => (radians * 180) / Math.PI;
