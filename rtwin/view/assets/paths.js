// The links: what the file says of each receiver, and the paths of the chosen one as lines.

const INTERACTIONS = { 1: "reflection", 2: "scattering", 4: "refraction", 8: "diffraction" };
const POWER_RANGE_DB = 40;

class Links {
  constructor(arrays) {
    this.arrays = arrays;
    this.numTx = page.tx.length;
    this.firstPath = offsetsOf(arrays.link_num_paths);
    this.firstVertex = offsetsOf(arrays.path_depth);
    this.rowOf = new Map(Array.from(arrays.rx_row, (row, i) => [row, i]));
  }

  value(metric, rx, tx) {
    return this.arrays[`link_${metric}`][rx * this.numTx + tx];
  }

  // Transmitter with the highest path gain at a receiver; 0 if none reaches it.
  best(rx) {
    let best = 0, highest = -Infinity;
    for (let tx = 0; tx < this.numTx; tx++) {
      const gain = this.value("path_gain", rx, tx);
      if (gain > highest) [best, highest] = [tx, gain];
    }
    return best;
  }

  // A metric of the best link; for line of sight, whether any transmitter is seen.
  shown(metric, rx) {
    if (metric !== "line_of_sight") return this.value(metric, rx, this.best(rx));
    let seen = NaN;
    for (let tx = 0; tx < this.numTx; tx++) {
      const value = this.value(metric, rx, tx);
      if (Number.isFinite(value) && !(seen > value)) seen = value;
    }
    return seen;
  }

  // The paths of a link as rows of the table, strongest first.
  paths(rx, tx) {
    const link = rx * this.numTx + tx, rows = [];
    for (let path = this.firstPath[link]; path < this.firstPath[link + 1]; path++) {
      rows.push(this.path(path, rx, tx));
    }
    return rows.sort((a, b) => b.gain - a.gain);
  }

  path(path, rx, tx) {
    const { arrays } = this, start = page.tx[tx].position_m;
    const end = Array.from(arrays.rx_position.subarray(3 * rx, 3 * rx + 3));
    const points = [start], steps = [];
    for (let k = this.firstVertex[path]; k < this.firstVertex[path + 1]; k++) {
      points.push(Array.from(arrays.vertices_m.subarray(3 * k, 3 * k + 3)));
      steps.push({
        kind: arrays.interaction[k], object: arrays.interaction_object[k],
        material: arrays.interaction_material[k],
      });
    }
    points.push(end);
    const away = direction(points[0], points[1]);
    const back = direction(end, points[points.length - 2]);
    return {
      tx, points, steps, number: path - this.firstPath[rx * this.numTx + tx],
      kind: arrays.path_class[path], gain: arrays.path_gain_db[path],
      power: arrays.path_gain_db[path] + page.tx[tx].power_dbm,
      delay: arrays.path_delay_ns[path], doppler: arrays.path_doppler_hz[path],
      departure: away, arrival: back,
    };
  }
}

// Azimuth from +x towards +y and zenith from +z, in degrees.
function direction(from, to) {
  const [x, y, z] = to.map((value, axis) => value - from[axis]);
  const flat = Math.hypot(x, y);
  return [flat > 0 ? degrees(Math.atan2(y, x)) : 0, degrees(Math.atan2(flat, z))];
}

const objectName = (row) => (page.scene ? page.scene.objects : page.objects || [])[row] ?? "unknown object";

function materialName(row) {
  const material = (page.scene ? page.scene.materials : page.materials || [])[row];
  return material === undefined ? "unknown material" : material.name ?? material;
}

function pathTitle(path) {
  const classes = page.links.classes;
  if (path.steps.length === 0) return classes[path.kind][0];
  if (path.steps.length === 1) return INTERACTIONS[path.steps[0].kind] ?? classes[path.kind][0];
  const isMixed = classes[path.kind][0] === "mixed";
  return `${path.steps.length} ${isMixed ? "mixed" : `${classes[path.kind][0]}s`}`;
}

// Lines that stay as wide as asked for; what the scene hides shines through faintly.
class PathLayer {
  constructor(stage) {
    this.stage = stage;
    this.group = new THREE.Group();
    stage.scene.add(this.group);
    this.paths = [];
  }

  clear() {
    for (const child of [...this.group.children]) {
      child.geometry.dispose();
      child.material.dispose();
      this.group.remove(child);
    }
    this.paths = [];
    this.stage.request();
  }

  draw(paths, colors, highlighted = null) {
    this.clear();
    this.paths = paths;
    const order = paths.map((_, i) => i).reverse(); // the strongest last, on top
    const chosen = highlighted === null ? order : order.filter((i) => i !== highlighted);
    this.lines(chosen, colors, 2.4, highlighted === null ? 1 : 0.25);
    if (highlighted !== null) this.lines([highlighted], colors, 4.5, 1);
  }

  lines(rows, colors, width, opacity) {
    const positions = [], shades = [];
    for (const row of rows) {
      const { points } = this.paths[row];
      const color = new THREE.Color(cssColor(colors[row]));
      for (let i = 0; i + 1 < points.length; i++) {
        positions.push(...points[i], ...points[i + 1]);
        shades.push(color.r, color.g, color.b, color.r, color.g, color.b);
      }
    }
    if (!positions.length) return;
    for (const isHidden of [true, false]) {
      const geometry = new THREE.LineSegmentsGeometry();
      geometry.setPositions(positions);
      geometry.setColors(shades);
      const lines = new THREE.LineSegments2(geometry, new THREE.LineMaterial({
        vertexColors: true, linewidth: width * (isHidden ? 0.7 : 1), transparent: true,
        opacity: opacity * (isHidden ? 0.35 : 1), depthTest: !isHidden, depthWrite: false,
      }));
      lines.renderOrder = isHidden ? 2 : 4;
      lines.frustumCulled = false;
      this.group.add(lines);
    }
  }

  // Row of the path within a few pixels of a place on the screen, or null.
  at(x, y, reach = 6) {
    let found = null, nearest = reach;
    this.paths.forEach((path, row) => {
      const places = path.points.map((p) => this.stage.project(...p));
      for (let i = 0; i + 1 < places.length; i++) {
        if (!places[i] || !places[i + 1]) continue;
        const distance = distanceToSegment([x, y], places[i], places[i + 1]);
        if (distance < nearest) [found, nearest] = [row, distance];
      }
    });
    return found;
  }
}

function distanceToSegment(p, a, b) {
  const dx = b[0] - a[0], dy = b[1] - a[1];
  const along = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}
