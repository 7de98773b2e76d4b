// The stage: renderer, camera and light. Pictures are drawn only when something has changed.

const FIELD_OF_VIEW = 45;
const NO_CUT = 1e9;
const SLOW_MS = 120, REST_MS = 250; // between pictures, and until a picture is at rest

class Stage {
  constructor(canvas, arrays) {
    this.canvas = canvas;
    this.renderer = new THREE.WebGLRenderer({ canvas, antialias: true, powerPreference: "high-performance" });
    this.renderer.setClearColor(0xeef2f5);
    this.renderer.localClippingEnabled = true;
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(FIELD_OF_VIEW, 1, 1, 1e5);
    this.camera.up.set(0, 0, 1);
    this.cut = new THREE.Plane(new THREE.Vector3(0, 0, -1), NO_CUT);
    this.afterRender = [];
    this.finery = []; // left out of pictures in motion where pictures take long
    this.pace = { last: 0, mean: 0, isPlain: false };
    this.bounds = boundsOf(arrays);
    this.addLight();
    this.controls = new THREE.OrbitControls(this.camera, canvas);
    this.controls.maxPolarAngle = Math.PI * 0.495;
    this.controls.zoomToCursor = true;
    this.controls.screenSpacePanning = false;
    this.controls.minDistance = this.size() / 2000;
    this.controls.maxDistance = this.size() * 6;
    this.controls.listenToKeyEvents(canvas);
    this.controls.keyPanSpeed = 24;
    this.controls.addEventListener("change", () => this.moved());
    this.home = this.startView(arrays);
    this.goHome();
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  size() {
    const [low, high] = this.bounds;
    return Math.max(1, Math.hypot(high[0] - low[0], high[1] - low[1], high[2] - low[2]));
  }

  addLight() {
    this.scene.add(new THREE.HemisphereLight(0xffffff, 0xcfd3d8, 2.0));
    const sun = new THREE.DirectionalLight(0xfffaf0, 1.8);
    sun.position.set(-0.55, -0.75, 1.1);
    this.scene.add(sun);
  }

  // The recipe's camera, else a look from the south at all devices.
  startView(arrays) {
    if (page.camera) {
      return {
        position: new THREE.Vector3(...page.camera.position_m),
        target: new THREE.Vector3(...page.camera.look_at_m),
      };
    }
    const [low, high] = interestOf(arrays, this.bounds);
    const target = new THREE.Vector3(...low.map((value, axis) => (value + high[axis]) / 2));
    const reach = 0.5 * Math.max(10, Math.hypot(high[0] - low[0], high[1] - low[1]));
    const distance = (0.95 * reach) / Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180));
    const position = target.clone().add(new THREE.Vector3(-0.35, -0.72, 0.62).normalize().multiplyScalar(distance));
    return { position, target };
  }

  goHome() {
    this.camera.position.copy(this.home.position);
    this.controls.target.copy(this.home.target);
    this.controls.update();
    this.request();
  }

  // Look at points from the present direction, as near as they allow.
  frame(points) {
    const found = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
    for (const place of points) grow(found, ...place);
    const low = new THREE.Vector3(...found[0]), high = new THREE.Vector3(...found[1]);
    const way = this.camera.position.clone().sub(this.controls.target).normalize();
    const reach = Math.max(2, 0.5 * low.distanceTo(high));
    this.controls.target.copy(low.add(high).multiplyScalar(0.5));
    this.camera.position.copy(this.controls.target).addScaledVector(way, (1.7 * reach) / Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180)));
    this.controls.update();
    this.request();
  }

  goTop() {
    const distance = this.camera.position.distanceTo(this.controls.target);
    // A little to the south, so that north stays up.
    this.camera.position.copy(this.controls.target).add(new THREE.Vector3(0, -1e-3 * distance, distance));
    this.controls.update();
    this.request();
  }

  zoom(factor) {
    const offset = this.camera.position.clone().sub(this.controls.target).multiplyScalar(factor);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.request();
  }

  turn(angle) {
    const offset = this.camera.position.clone().sub(this.controls.target);
    offset.applyAxisAngle(this.camera.up, angle);
    this.camera.position.copy(this.controls.target).add(offset);
    this.controls.update();
    this.request();
  }

  resize() {
    const width = this.canvas.clientWidth || 1, height = this.canvas.clientHeight || 1;
    this.renderer.setPixelRatio(this.pace.isPlain ? 0.5 : Math.min(window.devicePixelRatio || 1, 2));
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.request();
  }

  request() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((now) => {
      this.waiting = false;
      const passed = now - this.pace.last;
      this.pace.last = now;
      if (this.rest && passed < 2000) this.pace.mean = 0.6 * this.pace.mean + 0.4 * passed;
      this.render();
    });
  }

  // Without a graphics card, a moving picture is coarser than one at rest.
  moved() {
    if (this.pace.mean > SLOW_MS) this.setPlain(true);
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.rest = 0;
      this.setPlain(false);
    }, REST_MS);
    this.request();
  }

  setPlain(isPlain) {
    if (this.pace.isPlain === isPlain) return;
    this.pace.isPlain = isPlain;
    for (const thing of this.finery) thing.layers.set(isPlain ? 1 : 0);
    this.resize();
  }

  render() {
    const distance = this.camera.position.distanceTo(this.controls.target);
    this.camera.near = Math.max(distance / 500, this.size() / 1e5);
    this.camera.far = distance + 4 * this.size();
    this.camera.updateProjectionMatrix();
    this.renderer.render(this.scene, this.camera);
    for (const callback of this.afterRender) callback();
  }

  // Angle that a pixel covers, for marks of constant size on the screen.
  pixelAngle() {
    return (2 * Math.tan((FIELD_OF_VIEW / 2) * (Math.PI / 180))) / this.canvas.clientHeight;
  }

  // Place on the screen in CSS pixels, null behind the camera.
  project(x, y, z) {
    const place = new THREE.Vector3(x, y, z).project(this.camera);
    if (place.z > 1 || place.z < -1) return null;
    return [(0.5 + place.x / 2) * this.canvas.clientWidth, (0.5 - place.y / 2) * this.canvas.clientHeight];
  }

  setCut(height) {
    this.cut.constant = height;
    this.request();
  }
}

function grow(bounds, x, y, z) {
  const [low, high] = bounds;
  [x, y, z].forEach((value, axis) => {
    low[axis] = Math.min(low[axis], value);
    high[axis] = Math.max(high[axis], value);
  });
}

// Lower and upper corner of the devices and the radio map, or of everything if there is little else.
function interestOf(arrays, bounds) {
  const found = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (const tx of page.tx) grow(found, ...tx.position_m);
  const rx = arrays.rx_position;
  for (let i = 0; rx && i < rx.length; i += 3) grow(found, rx[i], rx[i + 1], rx[i + 2]);
  if (page.map) {
    const [x, y] = page.map.low_m, [rows, columns] = page.map.shape, size = page.map.cell_size_m;
    grow(found, x, y, page.map.z_m);
    grow(found, x + columns * size, y + rows * size, page.map.z_m);
  }
  const isSmall = found[1][0] - found[0][0] + found[1][1] - found[0][1] < 5;
  return isSmall ? bounds : found;
}

function boundsOf(arrays) {
  if (page.scene) return page.scene.bounds_m;
  const [low, high] = interestOf(arrays, [[0, 0, 0], [10, 10, 3]]);
  return [low.slice(), high.slice()];
}
