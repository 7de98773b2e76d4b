// The card of the chosen receiver: its links, and the paths of one of them as lines and as a table.

const MAX_ROWS = 200;

class LinkCard {
  constructor(stage, links, arrays) {
    Object.assign(this, { stage, links, arrays, rx: null, tx: null, paths: [], colors: [] });
    this.layer = new PathLayer(stage);
    this.ring = new Marks(stage, new Float32Array(3), 22);
    this.ring.set(0, [0, 0, 0], RING);
    this.ring.points.material.depthTest = false;
    this.ring.points.visible = false;
    byId("link-approach").addEventListener("click", () => this.approach());
    byId("link-close").addEventListener("click", () => this.close());
    byId("link-next").addEventListener("click", () => this.step(1));
    byId("link-previous").addEventListener("click", () => this.step(-1));
    for (const id of ["path-colors", "path-count"]) byId(id).addEventListener("change", () => this.draw());
    byId("rx-number").addEventListener("change", (event) => {
      const rx = links.rowOf.get(Number(event.target.value));
      if (rx !== undefined) this.open(rx);
    });
  }

  step(by) {
    const count = this.arrays.rx_row.length;
    if (count) this.open(this.rx === null ? 0 : (this.rx + by + count) % count);
  }

  open(rx) {
    this.rx = rx;
    const place = this.arrays.rx_position.subarray(3 * rx, 3 * rx + 3);
    this.ring.geometry.attributes.position.array.set(place);
    this.ring.geometry.attributes.position.needsUpdate = true;
    this.ring.points.visible = true;
    byId("link").hidden = false;
    byId("rx-number").value = this.arrays.rx_row[rx];
    byId("link-title").textContent = `Receiver ${this.arrays.rx_row[rx]}`;
    const time = this.arrays.rx_time?.[rx];
    byId("link-place").textContent = `at ${point(...place)}` + (Number.isFinite(time) ? `, ${withUnit(time, "s", 2)}` : "");
    this.choose(this.links.best(rx));
  }

  // Bring the chosen link into view, seen from where the camera looks now.
  approach() {
    if (this.rx === null) return;
    const points = this.paths.flatMap((path) => path.points);
    points.push(page.tx[this.tx].position_m, Array.from(this.arrays.rx_position.subarray(3 * this.rx, 3 * this.rx + 3)));
    this.stage.frame(points);
  }

  close() {
    this.rx = null;
    byId("link").hidden = true;
    this.ring.points.visible = false;
    this.layer.clear();
  }

  choose(tx) {
    this.tx = tx;
    const choices = page.tx.map((one, row) => {
      const button = make("button", one.name);
      const total = this.arrays.link_paths_in_file[this.rx * page.tx.length + row];
      const gain = this.links.value("path_gain", this.rx, row);
      button.append(make("small", total ? `${withUnit(gain, "dB")}, ${total} path${total > 1 ? "s" : ""}` : "no path"));
      button.type = "button";
      button.setAttribute("aria-pressed", String(row === tx));
      button.addEventListener("click", () => this.choose(row));
      return button;
    });
    byId("link-choices").replaceChildren(...choices);
    this.paths = this.links.paths(this.rx, tx);
    this.summary();
    this.draw();
  }

  summary() {
    const { rx, tx } = this, gain = this.links.value("path_gain", rx, tx);
    const total = this.arrays.link_paths_in_file[rx * page.tx.length + tx];
    const parts = [];
    if (Number.isFinite(gain)) {
      parts.push(`received power ${withUnit(gain + page.tx[tx].power_dbm, "dBm")}`);
      parts.push(`RMS delay spread ${withUnit(this.links.value("rms_delay_spread", rx, tx), "ns")}`);
      parts.push(this.links.value("line_of_sight", rx, tx) > 0 ? "line of sight" : "no line of sight");
    }
    if (total > this.paths.length) parts.push(`${this.paths.length} strongest of ${total} paths are on this page`);
    byId("link-summary").textContent = parts.join(" \u00b7 ") || "No path reaches this receiver from here.";
  }

  draw() {
    const isPower = byId("path-colors").value === "power", { classes } = page.links;
    const finite = this.paths.map((path) => path.gain).filter(Number.isFinite);
    const high = Math.max(...finite, -1e9), low = high - POWER_RANGE_DB;
    this.colors = this.paths.map((path) => (isPower
      ? colorOf(this.arrays.viridis, Math.max(path.gain, low), low, high)
      : hexColor(classes[path.kind][1])));
    this.drawn = this.paths.slice(0, Number(byId("path-count").value));
    this.layer.draw(this.drawn, this.colors);
    const legend = byId("path-legend");
    if (isPower && finite.length) {
      legend.replaceChildren(scaleLegend(this.arrays.viridis, low, high, "Path gain [dB]"));
    } else {
      const present = [...new Set(this.drawn.map((path) => path.kind))].sort((a, b) => a - b);
      legend.replaceChildren(keyLegend(present.map((kind) => [classes[kind][0], hexColor(classes[kind][1])]), "line"));
    }
    this.table();
  }

  table() {
    const columns = [
      ["path", "", (path) => pathTitle(path)],
      ["gain", "dB", (path) => (Number.isFinite(path.gain) ? number(path.gain) : "none")],
      ["power", "dBm", (path) => (Number.isFinite(path.power) ? number(path.power) : "none")],
      ["delay", "ns", (path) => number(path.delay)],
      ["departure", "az, zen deg", (path) => path.departure.map((angle) => number(angle, 0)).join(", ")],
      ["arrival", "az, zen deg", (path) => path.arrival.map((angle) => number(angle, 0)).join(", ")],
    ];
    if (this.paths.some((path) => path.doppler !== 0)) {
      columns.splice(4, 0, ["Doppler", "Hz", (path) => number(path.doppler)]);
    }
    const head = make("tr");
    for (const [name, unit] of columns) {
      const cell = make("th", name);
      cell.append(make("small", unit));
      head.append(cell);
    }
    const rows = this.paths.slice(0, MAX_ROWS).map((path, number) => this.row(path, number, columns));
    const frame = byId("paths");
    frame.tHead.replaceChildren(head);
    frame.tBodies[0].replaceChildren(...rows);
    byId("table-frame").hidden = !rows.length;
    byId("table-frame").scrollTop = 0;
    this.detail(null);
  }

  row(path, number, columns) {
    const row = make("tr");
    row.tabIndex = 0;
    for (const [column, [, , show]] of columns.entries()) {
      const cell = make("td");
      if (column === 0) {
        const title = make("span"), swatch = make("i", undefined, "swatch");
        swatch.style.background = cssColor(this.colors[number]);
        title.append(swatch, show(path));
        cell.append(title);
      } else {
        cell.textContent = show(path);
      }
      row.append(cell);
    }
    for (const event of ["mouseenter", "focus"]) row.addEventListener(event, () => this.highlight(number));
    for (const event of ["mouseleave", "blur"]) row.addEventListener(event, () => this.highlight(null));
    return row;
  }

  highlight(number) {
    // A path that is not drawn appears while it is pointed at.
    const shown = this.drawn.includes(this.paths[number]) || number === null
      ? this.drawn : [...this.drawn, this.paths[number]];
    const colors = shown.map((path) => this.colors[this.paths.indexOf(path)]);
    this.layer.draw(shown, colors, number === null ? null : shown.indexOf(this.paths[number]));
    for (const [row, element] of [...byId("paths").tBodies[0].rows].entries()) {
      element.classList.toggle("on", row === number);
    }
    this.detail(number);
  }

  detail(number) {
    const detail = byId("path-detail");
    if (number === null) {
      const hints = [`${this.drawn.length} of ${this.paths.length} paths are drawn.`];
      if (this.paths.length > MAX_ROWS) hints.push(`The table ends after ${MAX_ROWS}.`);
      hints.push("Point at a path to see what it touches. Gain includes the antenna patterns.");
      detail.textContent = this.paths.length ? hints.join(" ") : "";
      return;
    }
    detail.replaceChildren(...this.steps(this.paths[number]).map((text) => make("div", text)));
  }

  // What a path touches, one line each.
  steps(path) {
    const length = path.points.slice(1).reduce((sum, p, i) => sum + Math.hypot(...p.map((v, axis) => v - path.points[i][axis])), 0);
    return [
      `From ${page.tx[path.tx].name}, ${withUnit(length, "m")} long`,
      ...path.steps.map((step, i) => {
        const what = INTERACTIONS[step.kind] ?? "interaction";
        const where = step.object >= 0 ? `${objectName(step.object)} (${materialName(step.material)})` : "the scene";
        return `${i + 1}. ${what} at ${where}, ${point(...path.points[i + 1])}`;
      }),
    ];
  }
}
