// From values to colours, and the legends that say which is which.

function hexColor(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

const cssColor = (rgb) => `rgb(${rgb[0]}, ${rgb[1]}, ${rgb[2]})`;

// Row of a colour table of 256, for a value between the limits.
function colorRow(value, low, high) {
  return Math.max(0, Math.min(255, Math.floor((256 * (value - low)) / (high - low))));
}

function colorOf(table, value, low, high) {
  const row = 3 * colorRow(value, low, high);
  return [table[row], table[row + 1], table[row + 2]];
}

function niceTicks(low, high, most = 5) {
  const raw = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    ticks.push([k * step, number(k * step, digits)]);
  }
  return ticks;
}

function scaleLegend(table, low, high, caption, note) {
  const legend = document.createDocumentFragment();
  const top = make("div", undefined, "caption");
  top.append(make("span", caption));
  if (note) top.append(make("span", note));
  const scale = make("div", undefined, "scale");
  const canvas = document.createElement("canvas");
  canvas.width = 256;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(256, 1);
  for (let i = 0; i < 256; i++) {
    image.data.set([table[3 * i], table[3 * i + 1], table[3 * i + 2], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  const ticks = make("div", undefined, "ticks");
  for (const [value, text] of niceTicks(low, high)) {
    const tick = make("span", text);
    tick.style.left = `${(100 * (value - low)) / (high - low)}%`;
    ticks.append(tick);
  }
  scale.append(canvas, ticks);
  legend.append(top, scale);
  return legend;
}

function keyLegend(entries, shape = "swatch") {
  const legend = document.createDocumentFragment();
  for (const [text, rgb] of entries) {
    const key = make("span", undefined, "key");
    const swatch = make("span", undefined, shape);
    if (rgb) swatch.style.background = cssColor(rgb);
    key.append(swatch, make("span", text));
    legend.append(key);
  }
  return legend;
}
