// Putting the page together, and what pointer and keys do.

const TIP_PAUSE_MS = 40;

function labelTransmitters(stage) {
  const MOST = 40;
  const labels = page.tx.slice(0, MOST).map((tx) => {
    const label = make("div", tx.name);
    byId("labels").append(label);
    return label;
  });
  stage.afterRender.push(() => labels.forEach((label, row) => {
    const place = stage.project(...page.tx[row].position_m);
    label.hidden = !place;
    if (place) label.style.transform = `translate(${place[0] + 12}px, ${place[1] - 22}px)`;
  }));
}

// A needle that points where north is on the screen, with its letter around it.
function turnCompass(stage) {
  const needle = byId("needle"), letter = byId("compass").querySelector("b");
  stage.afterRender.push(() => {
    const way = stage.controls.target.clone().sub(stage.camera.position);
    const angle = -Math.atan2(way.x, way.y);
    needle.style.transform = `rotate(${angle}rad)`;
    letter.style.transform = `translate(${13 + 27 * Math.sin(angle)}px, ${13 - 27 * Math.cos(angle)}px)`;
  });
}

function describe(found, layers, links, arrays, panel) {
  const { kind, row } = found;
  if (kind === TRANSMITTER) {
    const tx = page.tx[row];
    return [`Transmitter ${tx.name}`, [
      ["position", point(...tx.position_m)], ["power", withUnit(tx.power_dbm, "dBm")],
      ["antenna", tx.pattern], ["azimuth", withUnit(tx.azimuth_deg, "deg")],
      ["downtilt", withUnit(tx.downtilt_deg, "deg")],
    ]];
  }
  if (kind === RECEIVER) {
    const lines = [["position", point(...arrays.rx_position.subarray(3 * row, 3 * row + 3))]];
    if (links) {
      const tx = links.best(row), total = links.arrays.link_paths_in_file[row * page.tx.length + tx];
      lines.push(["best transmitter", page.tx[tx].name], ["paths", String(total)]);
      for (const metric of page.links.metrics) {
        if (!metric.unit) continue;
        lines.push([metric.title, withUnit(links.value(metric.name, row, tx), metric.unit)]);
      }
    }
    return [`Receiver ${arrays.rx_row[row]}`, lines];
  }
  if (kind === CELL) {
    const [, tx] = panel.mapChoice(), { columns } = layers.map, size = page.map.cell_size_m;
    const x = page.map.low_m[0] + ((row % columns) + 0.5) * size;
    const y = page.map.low_m[1] + (Math.floor(row / columns) + 0.5) * size;
    const lines = [["centre x, y", `${number(x)}, ${number(y)}${NARROW}m`]];
    const few = ["path_gain", "rss", "sinr", "error", panel.mapChoice()[0]];
    for (const layer of page.map.layers.filter((one) => one.tx === tx && few.includes(one.metric))) {
      const digits = layer.metric === "error" ? 2 : 1;
      lines.push([layer.title, withUnit(layers.map.value(layer.metric, tx, row), layer.unit, digits)]);
    }
    const serving = arrays.map_serving[row];
    lines.push([page.map.serving_title, serving >= 0 ? page.tx[serving].name : "none"]);
    const name = tx === null ? (page.tx.length > 1 ? ", best transmitter" : "") : `, ${page.tx[tx].name}`;
    return [`Radio map${name}`, lines];
  }
  const material = page.scene.materials[arrays.object_material[row]];
  if (material?.specific_attenuation_db_per_m) {
    return [objectName(row), [
      ["material", material.name],
      ["attenuation", short(material.specific_attenuation_db_per_m, "dB/m")],
      ["at most", withUnit(material.max_attenuation_db, "dB")],
    ]];
  }
  const lines = material ? [
    ["material", material.name], ["relative permittivity", short(material.relative_permittivity)],
    ["conductivity", short(material.conductivity_s_per_m, "S/m")],
    ["thickness", material.thickness_m === "infinite" ? "half-space" : short(100 * material.thickness_m, "cm")],
  ] : [];
  return [objectName(row), lines];
}

function describePath(card, row) {
  const path = card.layer.paths[row];
  return [pathTitle(path), [
    ["path gain", withUnit(path.gain, "dB")], ["received power", withUnit(path.power, "dBm")],
    ["delay", withUnit(path.delay, "ns")],
    ["departure azimuth, zenith", path.departure.map((angle) => number(angle, 0)).join(", ") + `${NARROW}deg`],
    ["arrival azimuth, zenith", path.arrival.map((angle) => number(angle, 0)).join(", ") + `${NARROW}deg`],
  ]];
}

function showTip(tip, x, y, [title, lines]) {
  const list = make("dl");
  for (const [name, value] of lines) list.append(make("dt", name), make("dd", value));
  tip.replaceChildren(make("b", title), list);
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${x + 16 + width > innerWidth ? x - width - 12 : x + 16}px`;
  tip.style.top = `${Math.max(8, Math.min(y + 14, innerHeight - height - 8))}px`;
}

function listen(stage, layers, links, arrays, panel, card, picker) {
  const tip = byId("tip"), { canvas } = stage;
  let pressed = null, timer = 0;
  const look = (x, y) => {
    let found = picker.at(x, y);
    const isDevice = found && (found.kind === RECEIVER || found.kind === TRANSMITTER);
    const path = card && !isDevice ? card.layer.at(x, y) : null;
    canvas.classList.toggle("over", Boolean(links) && found?.kind === RECEIVER);
    if (path !== null) showTip(tip, x, y, describePath(card, path));
    else if (found) showTip(tip, x, y, describe(found, layers, links, arrays, panel));
    else tip.hidden = true;
  };
  canvas.addEventListener("pointermove", (event) => {
    clearTimeout(timer);
    if (event.buttons) {
      tip.hidden = true;
      return;
    }
    timer = setTimeout(() => look(event.offsetX, event.offsetY), TIP_PAUSE_MS);
  });
  canvas.addEventListener("pointerleave", () => {
    clearTimeout(timer);
    tip.hidden = true;
  });
  canvas.addEventListener("pointerdown", (event) => {
    pressed = [event.offsetX, event.offsetY, event.button];
    tip.hidden = true;
  });
  canvas.addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.offsetX - pressed[0], event.offsetY - pressed[1]) < 4;
    if (!still || pressed[2] !== 0 || !card) return;
    const found = picker.at(event.offsetX, event.offsetY);
    if (found?.kind !== RECEIVER) return;
    clearTimeout(timer);
    card.open(found.row);
  });
  const keys = {
    "+": () => stage.zoom(0.85), "=": () => stage.zoom(0.85), "-": () => stage.zoom(1 / 0.85),
    q: () => stage.turn(0.12), e: () => stage.turn(-0.12), h: () => stage.goHome(), t: () => stage.goTop(),
    m: () => layers.map && panel.nextMetric(), n: () => card?.step(1), p: () => card?.step(-1),
    z: () => card?.approach(), Escape: () => card?.close(),
  };
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    const action = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!action || (isTyping && event.key !== "Escape")) return;
    action();
  });
}

async function start() {
  const message = byId("message");
  let stage;
  try {
    const arrays = await readArrays();
    stage = new Stage(byId("stage"), arrays);
    const layers = {};
    if (page.scene) layers.scene = new SceneLayer(stage, arrays);
    if (page.map) layers.map = new MapLayer(stage, arrays);
    if (arrays.rx_position) {
      layers.receivers = new Marks(stage, arrays.rx_position, receiverSize(arrays.rx_row.length));
    }
    const places = new Float32Array(page.tx.flatMap((tx) => tx.position_m));
    layers.transmitters = new Marks(stage, places, 15);
    page.tx.forEach((_, row) => layers.transmitters.set(row, hexColor(page.palette.tx), TRIANGLE));
    layers.transmitters.changed();
    labelTransmitters(stage);
    turnCompass(stage);
    const links = page.links ? new Links(arrays) : null;
    const panel = new Panel(stage, layers, links, arrays);
    const card = links ? new LinkCard(stage, links, arrays) : null;
    listen(stage, layers, links, arrays, panel, card, new Picker(stage, layers));
    stage.render();
    message.hidden = true;
    // For tests and the curious, in the browser's console.
    window.rtwinView = { page, arrays, stage, layers, links, panel, card };
  } catch (error) {
    message.textContent = stage
      ? `This page cannot be shown: ${error.message}`
      : `This page needs WebGL 2 and a browser of 2023 or newer (${error.message}).`;
    throw error;
  }
}

start();
