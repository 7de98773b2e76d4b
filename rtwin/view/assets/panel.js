// The panel: what is shown and in which colours, and the legends.

class Panel {
  constructor(stage, layers, links, arrays) {
    Object.assign(this, { stage, layers, links, arrays });
    byId("title").textContent = page.title;
    const parts = [page.frequency, ...page.files];
    byId("subtitle").textContent = parts.join(" \u00b7 ");
    this.about();
    if (layers.map) this.setUpMap();
    if (layers.receivers) this.setUpReceivers();
    this.setUpScene();
    byId("help-map").hidden = !layers.map;
    byId("help-rx").hidden = !links;
  }

  about() {
    const footer = byId("about");
    if (page.source) footer.append(make("p", `Source: ${page.source}`));
    if (page.licence) footer.append(make("p", `Licence: ${page.licence}`));
    footer.append(make("p", `x east, y north, z up, in metres. rtwin ${page.rtwin}, three.js.`));
    const remarks = [...page.remarks, ...page.file_remarks];
    for (const remark of remarks) byId("remarks").append(make("li", remark));
    byId("remarks-section").hidden = !remarks.length;
  }

  setUpMap() {
    const metrics = new Map(page.map.layers.map((layer) => [layer.metric, layer]));
    const select = byId("map-metric"), tx = byId("map-tx");
    // Received power first, as in rtwin plot.
    for (const name of ["rss", ...[...metrics.keys()].filter((key) => key !== "rss")]) {
      const layer = metrics.get(name);
      if (layer) select.append(option(name, `${layer.title}`));
    }
    select.append(option("serving", page.map.serving_title));
    tx.append(option("", "best of all"));
    page.tx.forEach((one, row) => tx.append(option(row, one.name)));
    byId("map-tx-row").hidden = page.tx.length < 2;
    select.addEventListener("change", () => this.paintMap());
    tx.addEventListener("change", () => this.paintMap());
    byId("map-opacity").addEventListener("input", (event) => this.layers.map.setOpacity(event.target.value / 100));
    byId("map-section").hidden = false;
    this.paintMap();
  }

  mapChoice() {
    const tx = byId("map-tx").value;
    return [byId("map-metric").value, tx === "" ? null : Number(tx)];
  }

  paintMap() {
    const [metric, tx] = this.mapChoice();
    byId("map-tx").disabled = metric === "serving";
    this.layers.map.paint(metric, tx);
    const legend = byId("map-legend");
    if (metric === "serving") {
      legend.replaceChildren(keyLegend(page.tx.map((one, row) => [one.name, categoryColor(row)])));
    } else {
      const layer = page.map.layers[this.layers.map.layerOf(metric, tx)];
      legend.replaceChildren(scaleLegend(this.arrays[layer.colors], ...layer.limits, layer.title, layer.unit && `[${layer.unit}]`));
    }
    const height = withUnit(page.map.height_m, "m");
    const empty = metric === "serving" ? "no ray came" : page.map.layers[this.layers.map.layerOf(metric, tx)].empty;
    legend.append(make("div", `${height} above ground; clear: ${empty}.`, "caption"));
  }

  nextMetric() {
    const select = byId("map-metric");
    select.selectedIndex = (select.selectedIndex + 1) % select.options.length;
    this.paintMap();
  }

  setUpReceivers() {
    byId("rx-section").hidden = false;
    const { rx_row: rows } = this.arrays;
    byId("rx-number").max = rows[rows.length - 1] ?? 0;
    byId("rx-metric-row").hidden = byId("rx-number-row").hidden = !this.links;
    if (this.links) {
      for (const metric of page.links.metrics) {
        byId("rx-metric").append(option(metric.name, metric.title + (metric.unit ? ` [${metric.unit}]` : "")));
      }
      byId("rx-metric").addEventListener("change", () => this.paintReceivers());
    }
    this.paintReceivers();
  }

  paintReceivers() {
    const marks = this.layers.receivers, legend = byId("rx-legend");
    const grey = hexColor(page.palette.grey);
    if (!this.links) {
      for (let rx = 0; rx < marks.count; rx++) marks.set(rx, [255, 255, 255], DISC);
      marks.changed();
      legend.replaceChildren(make("div", `${marks.count} receivers, not traced`, "caption"));
      return;
    }
    const metric = page.links.metrics.find((one) => one.name === byId("rx-metric").value);
    const isSight = metric.name === "line_of_sight";
    const yes = hexColor(page.palette.yes), no = hexColor(page.palette.no);
    let lost = 0, seen = 0;
    for (let rx = 0; rx < marks.count; rx++) {
      const value = this.links.shown(metric.name, rx);
      const isReached = Number.isFinite(value);
      lost += isReached ? 0 : 1;
      seen += isSight && value > 0 ? 1 : 0;
      const rgb = isSight ? (value > 0 ? yes : no) : colorOf(this.arrays.viridis, value, ...metric.limits);
      marks.set(rx, isReached ? rgb : grey, isReached ? DISC : CROSS);
    }
    marks.changed();
    const best = page.tx.length > 1 ? "best transmitter" : "its transmitter";
    if (isSight) {
      legend.replaceChildren(keyLegend([
        [`line of sight (${seen})`, yes], [`no line of sight (${marks.count - seen - lost})`, no],
      ]));
    } else {
      const unit = metric.unit ? ` [${metric.unit}]` : "";
      legend.replaceChildren(scaleLegend(this.arrays.viridis, ...metric.limits, best, metric.title + unit));
    }
    if (lost) legend.append(keyLegend([[`no path with power (${lost})`, grey]]));
  }

  setUpScene() {
    const { scene } = this.layers;
    for (const id of ["colors-row", "opacity-row", "cut-row"]) byId(id).hidden = !scene;
    if (scene) {
      byId("scene-colors").addEventListener("change", (event) => this.paintScene(event.target.value));
      byId("scene-opacity").addEventListener("input", (event) => scene.setOpacity(event.target.value / 100));
      this.setUpCut();
      this.toggle("Edges", scene.edges);
      this.toggle("Ground", scene.ground);
      if (scene.leaves.visible) this.toggle("Vegetation", scene.leaves);
    }
    if (this.layers.receivers) this.toggle("Receivers", this.layers.receivers.points);
    byId("view-home").addEventListener("click", () => this.stage.goHome());
    byId("view-top").addEventListener("click", () => this.stage.goTop());
  }

  setUpCut() {
    const [low, high] = page.scene.bounds_m.map((corner) => corner[2]);
    const slider = byId("cut"), reach = Math.max(high - low, 0.1);
    slider.min = low;
    slider.max = high + 0.01 * reach;
    slider.step = reach / 200;
    const indoors = page.environment === "indoor" ? high - 0.05 * reach : NO_CUT;
    const start = page.camera?.clip_at_m ?? indoors;
    slider.value = Math.min(start, slider.max);
    const apply = () => {
      const isAll = Number(slider.value) >= high;
      this.stage.setCut(isAll ? NO_CUT : Number(slider.value));
      byId("cut-value").textContent = isAll ? "nothing" : withUnit(Number(slider.value), "m");
    };
    slider.addEventListener("input", apply);
    apply();
  }

  paintScene(how) {
    this.layers.scene.paint(how);
    const isUsed = new Set(this.layers.scene.material);
    const entries = page.scene.materials.filter((_, row) => isUsed.has(row)).map((one) => [one.name, one.color]);
    byId("scene-legend").replaceChildren(how === "material" ? keyLegend(entries) : "");
  }

  toggle(text, thing) {
    const label = make("label"), box = make("input");
    box.type = "checkbox";
    box.checked = true;
    box.addEventListener("change", () => {
      thing.visible = box.checked;
      this.stage.request();
    });
    label.append(box, text);
    byId("toggles").append(label);
  }
}
