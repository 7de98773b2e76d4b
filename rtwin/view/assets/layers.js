// What stands on the stage: the scene, the radio map, receivers and transmitters.

const PLAIN_COLOR = [217, 217, 214], GROUND_COLOR = [236, 236, 233];
const MAX_MAP_FACETS = 512; // along a side, where the ground is not flat

class SceneLayer {
  constructor(stage, arrays) {
    this.stage = stage;
    this.group = new THREE.Group();
    const numVertices = arrays.vertices.length / 3;
    this.owner = new Float32Array(numVertices);
    for (let object = 0, row = 0; object < arrays.object_vertices.length; object++) {
      this.owner.fill(object, row, row + arrays.object_vertices[object]);
      row += arrays.object_vertices[object];
    }
    this.material = arrays.object_material;
    this.isGround = new Uint8Array(arrays.object_vertices.length);
    for (const object of page.scene.ground) this.isGround[object] = 1;
    this.colors = new THREE.BufferAttribute(new Uint8Array(3 * numVertices), 3, true);
    this.position = new THREE.BufferAttribute(arrays.vertices, 3);
    this.ownerAttribute = new THREE.BufferAttribute(this.owner, 1);
    const [ground, others, leaves] = this.split(arrays.faces);
    this.ground = this.mesh(ground);
    this.objects = this.mesh(others);
    this.leaves = this.mesh(leaves);
    Object.assign(this.leaves.material, {
      transparent: true, opacity: page.map ? 0.2 : 0.4, depthWrite: false,
    });
    this.leaves.visible = leaves.length > 0;
    this.leaves.renderOrder = 2;
    // The map lies over the ground even where both are at the same height.
    this.ground.material.polygonOffset = true;
    this.ground.material.polygonOffsetFactor = 1;
    this.ground.material.polygonOffsetUnits = 1;
    const edges = new THREE.BufferGeometry();
    edges.setAttribute("position", this.position);
    edges.setIndex(new THREE.BufferAttribute(arrays.edges, 1));
    this.edges = new THREE.LineSegments(edges, new THREE.LineBasicMaterial({
      color: 0x3a4046, transparent: true, opacity: 0.3, clippingPlanes: [stage.cut],
    }));
    this.group.add(this.ground, this.objects, this.leaves, this.edges);
    stage.finery.push(this.edges);
    this.paint("plain");
    stage.scene.add(this.group);
  }

  split(faces) {
    const parts = [[], [], []];
    for (let i = 0; i < faces.length; i += 3) {
      const object = this.owner[faces[i]];
      const part = this.isGround[object] ? 0 : this.isLeaf(object) ? 2 : 1;
      parts[part].push(faces[i], faces[i + 1], faces[i + 2]);
    }
    return parts.map((part) => new Uint32Array(part));
  }

  // Vegetation comes after all solid objects.
  isLeaf(object) {
    return object >= page.scene.num_solid;
  }

  mesh(index) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", this.position);
    geometry.setAttribute("color", this.colors);
    geometry.setAttribute("owner", this.ownerAttribute);
    geometry.setIndex(new THREE.BufferAttribute(index, 1));
    const material = new THREE.MeshLambertMaterial({
      vertexColors: true, flatShading: true, side: THREE.DoubleSide, clippingPlanes: [this.stage.cut],
      polygonOffset: true, polygonOffsetFactor: 0.5, polygonOffsetUnits: 0.5,
    });
    return new THREE.Mesh(geometry, material);
  }

  paint(how) {
    const colors = this.colors.array, linear = new Map();
    for (let i = 0; i < this.owner.length; i++) {
      const object = this.owner[i], material = this.material[object];
      const plain = this.isGround[object] ? GROUND_COLOR : PLAIN_COLOR;
      const isOwn = material >= 0 && (how === "material" || this.isLeaf(object));
      const rgb = isOwn ? page.scene.materials[material].color : plain;
      const key = rgb.join();
      if (!linear.has(key)) {
        const color = new THREE.Color(cssColor(rgb));
        linear.set(key, [color.r, color.g, color.b].map((part) => Math.round(255 * part)));
      }
      colors.set(linear.get(key), 3 * i);
    }
    this.colors.needsUpdate = true;
    this.stage.request();
  }

  setOpacity(opacity) {
    const material = this.objects.material;
    const isSolid = opacity >= 1;
    material.transparent = !isSolid;
    material.depthWrite = isSolid;
    material.opacity = opacity;
    material.needsUpdate = true;
    this.objects.visible = opacity > 0;
    this.edges.material.opacity = 0.3 * Math.max(opacity, 0.35);
    this.stage.request();
  }
}

class MapLayer {
  constructor(stage, arrays) {
    this.stage = stage;
    this.arrays = arrays;
    [this.rows, this.columns] = page.map.shape;
    this.size = this.rows * this.columns;
    this.texture = new THREE.DataTexture(
      new Uint8Array(4 * this.size), this.columns, this.rows, THREE.RGBAFormat,
    );
    this.texture.colorSpace = THREE.SRGBColorSpace;
    this.texture.magFilter = this.texture.minFilter = THREE.NearestFilter;
    this.mesh = new THREE.Mesh(this.geometry(), new THREE.MeshBasicMaterial({
      map: this.texture, alphaTest: 0.01, side: THREE.DoubleSide, toneMapped: false,
    }));
    this.mesh.renderOrder = 1;
    stage.scene.add(this.mesh);
  }

  geometry() {
    const { low_m: low, cell_size_m: size, is_flat: isFlat, z_m: flat } = page.map;
    const steps = (cells) => (isFlat ? 1 : Math.min(cells, MAX_MAP_FACETS));
    const nx = steps(this.columns), ny = steps(this.rows);
    const position = new Float32Array(3 * (nx + 1) * (ny + 1)), uv = new Float32Array(2 * (nx + 1) * (ny + 1));
    const index = [];
    for (let j = 0, k = 0; j <= ny; j++) {
      for (let i = 0; i <= nx; i++, k++) {
        const column = Math.round((i * this.columns) / nx), row = Math.round((j * this.rows) / ny);
        const z = isFlat ? flat : this.arrays.map_corner_z[row * (this.columns + 1) + column];
        position.set([low[0] + column * size, low[1] + row * size, z], 3 * k);
        uv.set([column / this.columns, row / this.rows], 2 * k);
        if (i < nx && j < ny) index.push(k, k + 1, k + nx + 2, k, k + nx + 2, k + nx + 1);
      }
    }
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(position, 3));
    geometry.setAttribute("uv", new THREE.BufferAttribute(uv, 2));
    geometry.setIndex(new THREE.BufferAttribute(new Uint32Array(index), 1));
    return geometry;
  }

  layerOf(metric, tx) {
    return page.map.layers.findIndex((layer) => layer.metric === metric && layer.tx === tx);
  }

  value(metric, tx, cell) {
    const layer = this.layerOf(metric, tx), steps = this.arrays.map_values[layer * this.size + cell];
    return steps === page.map.no_value ? NaN : steps * page.map.layers[layer].step;
  }

  paint(metric, tx) {
    const pixels = this.texture.image.data;
    pixels.fill(0);
    if (metric === "serving") {
      const serving = this.arrays.map_serving;
      for (let cell = 0; cell < this.size; cell++) {
        if (serving[cell] >= 0) pixels.set([...categoryColor(serving[cell]), 255], 4 * cell);
      }
    } else {
      const number = this.layerOf(metric, tx), layer = page.map.layers[number];
      const table = this.arrays[layer.colors], first = number * this.size;
      const [low, high] = layer.limits, { step } = layer;
      for (let cell = 0; cell < this.size; cell++) {
        const value = this.arrays.map_values[first + cell];
        if (value === page.map.no_value) continue;
        const row = 3 * colorRow(value * step, low, high);
        pixels[4 * cell] = table[row];
        pixels[4 * cell + 1] = table[row + 1];
        pixels[4 * cell + 2] = table[row + 2];
        pixels[4 * cell + 3] = 255;
      }
    }
    this.texture.needsUpdate = true;
    this.stage.request();
  }

  setOpacity(opacity) {
    const material = this.mesh.material;
    material.transparent = opacity < 1;
    material.opacity = opacity;
    material.needsUpdate = true;
    this.mesh.visible = opacity > 0;
    this.stage.request();
  }
}

const categoryColor = (row) => hexColor(page.palette.categories[row % page.palette.categories.length]);

// Marks of constant size on the screen: discs, crosses or triangles.
const DISC = 0, CROSS = 1, TRIANGLE = 2, RING = 3;

const MARK_VERTEX = `
  attribute vec3 color; attribute float shape; attribute float code;
  uniform float size; uniform float lift; uniform float ratio;
  varying vec3 vColor; flat varying float vShape; flat varying vec3 vCode;
  void main() {
    vec4 seen = modelViewMatrix * vec4(position, 1.0);
    seen.xyz *= max(0.2, 1.0 - lift * size);  // nearer, so that the ground does not cut marks
    gl_Position = projectionMatrix * seen;
    gl_PointSize = size * ratio * (shape > 1.5 ? 1.5 : 1.0);
    vColor = color; vShape = shape;
    vCode = vec3(mod(code, 256.0), mod(floor(code / 256.0), 256.0), floor(code / 65536.0)) / 255.0;
  }`;

const MARK_FRAGMENT = `
  varying vec3 vColor; flat varying float vShape; flat varying vec3 vCode;
  uniform float kind; uniform float soft;
  void main() {
    vec2 p = 2.0 * gl_PointCoord - 1.0;
    float edge = length(p);             // 1 on the outline
    if (vShape > 2.5) edge = edge < 0.8 ? 2.0 : edge;
    else if (vShape > 1.5) edge = max(p.y, 0.894 * abs(p.x) - 0.447 * p.y + 0.05) / 0.55;
    else if (vShape > 0.5 && kind == 0.0) edge = max(abs(abs(p.x) - abs(p.y)) / 0.3, max(abs(p.x), abs(p.y)) / 0.75);
    if (kind > 0.0) {
      if (edge > 1.0) discard;
      gl_FragColor = vec4(vCode, kind / 255.0);
      return;
    }
    float cover = 1.0 - smoothstep(1.0 - soft, 1.0, edge);
    if (cover < 0.02) discard;
    float rim = vShape > 0.5 && vShape < 1.5 ? 0.0 : smoothstep(0.66, 0.78, edge);
    vec3 rimColor = vShape > 1.5 ? vec3(1.0) : vec3(0.09, 0.11, 0.13);
    if (vShape > 2.5) rim = 0.0;
    gl_FragColor = vec4(mix(vColor, rimColor, rim), cover);
  }`;

class Marks {
  constructor(stage, positions, size) {
    this.stage = stage;
    this.count = positions.length / 3;
    this.geometry = new THREE.BufferGeometry();
    this.geometry.setAttribute("position", new THREE.BufferAttribute(positions, 3));
    this.colors = new THREE.BufferAttribute(new Uint8Array(3 * this.count), 3, true);
    this.shapes = new THREE.BufferAttribute(new Float32Array(this.count), 1);
    const codes = Float32Array.from({ length: this.count }, (_, i) => i);
    this.geometry.setAttribute("color", this.colors);
    this.geometry.setAttribute("shape", this.shapes);
    this.geometry.setAttribute("code", new THREE.BufferAttribute(codes, 1));
    this.size = size;
    this.points = new THREE.Points(this.geometry, this.shader(0));
    this.points.renderOrder = 3;
    this.points.frustumCulled = false;
    stage.scene.add(this.points);
    stage.afterRender.push(() => this.scale(this.points.material, stage.renderer.getPixelRatio()));
  }

  // kind 0 draws colours, any other one draws what was met, for picking.
  shader(kind, extra = 0) {
    return new THREE.ShaderMaterial({
      vertexShader: MARK_VERTEX, fragmentShader: MARK_FRAGMENT, transparent: kind === 0,
      blending: kind === 0 ? THREE.NormalBlending : THREE.NoBlending,
      uniforms: {
        size: { value: this.size + extra }, lift: { value: 0.005 }, ratio: { value: 1 },
        kind: { value: kind }, soft: { value: 2.4 / this.size },
      },
    });
  }

  scale(material, ratio) {
    const lift = 1.5 * this.stage.pixelAngle();
    const isNew = material.uniforms.lift.value !== lift || material.uniforms.ratio.value !== ratio;
    material.uniforms.lift.value = lift;
    material.uniforms.ratio.value = ratio;
    if (isNew) this.stage.request();
  }

  set(row, rgb, shape) {
    this.colors.array.set(rgb, 3 * row);
    this.shapes.array[row] = shape;
  }

  changed() {
    this.colors.needsUpdate = true;
    this.shapes.needsUpdate = true;
    this.stage.request();
  }
}

function receiverSize(count) {
  return Math.max(6, Math.min(13, 15 - 2 * Math.log10(Math.max(count, 1) / 10)));
}
