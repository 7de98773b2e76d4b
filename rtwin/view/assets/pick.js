// What is under the pointer: the same picture drawn with numbers for colours, a few pixels of it.

const OBJECT = 1, CELL = 2, RECEIVER = 3, TRANSMITTER = 4;
const WINDOW = 9; // pixels along a side

const ENCODE = `
  vec4 encode(float code, float kind) {
    return vec4(mod(code, 256.0), mod(floor(code / 256.0), 256.0), floor(code / 65536.0), kind) / 255.0;
  }`;

const OBJECT_VERTEX = `
  attribute float owner; flat varying float vOwner; varying float vHeight;
  void main() {
    vOwner = owner; vHeight = position.z;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }`;
const OBJECT_FRAGMENT = `
  flat varying float vOwner; varying float vHeight; uniform float cut; ${ENCODE}
  void main() { if (vHeight > cut) discard; gl_FragColor = encode(vOwner, ${OBJECT}.0); }`;

const CELL_VERTEX = `
  varying vec2 vPlace;
  void main() { vPlace = uv; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }`;
const CELL_FRAGMENT = `
  precision highp float; varying vec2 vPlace; uniform vec2 cells; uniform sampler2D shown; ${ENCODE}
  void main() {
    if (texture2D(shown, vPlace).a < 0.01) discard;
    vec2 cell = min(floor(vPlace * cells), cells - 1.0);
    gl_FragColor = encode(cell.y * cells.x + cell.x, ${CELL}.0);
  }`;

class Picker {
  constructor(stage, { scene, map, receivers, transmitters }) {
    this.stage = stage;
    this.world = new THREE.Scene();
    this.target = new THREE.WebGLRenderTarget(WINDOW, WINDOW);
    this.pixels = new Uint8Array(4 * WINDOW * WINDOW);
    this.pairs = []; // what is drawn and what stands for it here
    if (scene) {
      this.objectMaterial = this.plain(OBJECT_VERTEX, OBJECT_FRAGMENT, { cut: { value: NO_CUT } });
      this.add(scene.ground, this.objectMaterial);
      this.add(scene.objects, this.objectMaterial);
      if (scene.leaves.visible) this.add(scene.leaves, this.objectMaterial);
    }
    if (map) {
      this.add(map.mesh, this.plain(CELL_VERTEX, CELL_FRAGMENT, {
        cells: { value: new THREE.Vector2(map.columns, map.rows) }, shown: { value: map.texture },
      }));
    }
    this.marks = [];
    for (const [marks, kind] of [[receivers, RECEIVER], [transmitters, TRANSMITTER]]) {
      if (!marks) continue;
      const twin = new THREE.Points(marks.geometry, marks.shader(kind, 3));
      twin.frustumCulled = false;
      this.world.add(twin);
      this.pairs.push([marks.points, twin]);
      this.marks.push([marks, twin.material]);
    }
  }

  plain(vertexShader, fragmentShader, uniforms) {
    return new THREE.ShaderMaterial({
      vertexShader, fragmentShader, uniforms, side: THREE.DoubleSide, blending: THREE.NoBlending,
    });
  }

  add(mesh, material) {
    const twin = new THREE.Mesh(mesh.geometry, material);
    this.world.add(twin);
    this.pairs.push([mesh, twin]);
  }

  // {kind, row} at a place in CSS pixels, devices before what lies around them; null for nothing.
  at(x, y) {
    const { renderer, camera, canvas } = this.stage;
    for (const [shown, twin] of this.pairs) {
      twin.visible = shown.visible && (!shown.parent || shown.parent.visible);
      if (shown.material.opacity < 0.3) twin.visible = false;
    }
    for (const [marks, material] of this.marks) marks.scale(material, 1);
    if (this.objectMaterial) this.objectMaterial.uniforms.cut.value = this.stage.cut.constant;
    const half = (WINDOW - 1) / 2;
    camera.setViewOffset(canvas.clientWidth, canvas.clientHeight, x - half - 0.5, y - half - 0.5, WINDOW, WINDOW);
    const before = renderer.getClearColor(new THREE.Color());
    renderer.setRenderTarget(this.target);
    renderer.setClearColor(0x000000, 0);
    renderer.clear();
    renderer.render(this.world, camera);
    renderer.readRenderTargetPixels(this.target, 0, 0, WINDOW, WINDOW, this.pixels);
    renderer.setRenderTarget(null);
    renderer.setClearColor(before, 1);
    camera.clearViewOffset();
    return this.nearest(half);
  }

  nearest(half) {
    let found = null, best = Infinity;
    for (let j = 0; j < WINDOW; j++) {
      for (let i = 0; i < WINDOW; i++) {
        const k = 4 * (j * WINDOW + i), kind = this.pixels[k + 3];
        const distance = Math.hypot(i - half, j - half);
        const isDevice = kind === RECEIVER || kind === TRANSMITTER;
        if (!kind || (!isDevice && distance > 0)) continue;
        const rank = isDevice ? distance : 1e6;
        if (rank < best) {
          best = rank;
          found = { kind, row: this.pixels[k] + 256 * this.pixels[k + 1] + 65536 * this.pixels[k + 2] };
        }
      }
    }
    return found;
  }
}
