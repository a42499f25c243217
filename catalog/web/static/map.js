// The map of all galaxies by their looks, and the sky: canvas and SVG of our own, drawn from numbers.
"use strict";

class GalaxyMap {
  constructor(canvas, wall) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.wall = wall;
    this.lit = new Set(wall);
    this.index = new Map();
    this.corners = null;
    this.isDrawing = false;
    this.view = { x: 0, y: 0, zoom: 1 };
    this.listen();
  }

  async load() {
    const answer = await fetch("/page/map");
    if (!answer.ok) throw new Error((await answer.json()).error);
    const bytes = await answer.arrayBuffer();
    const n = bytes.byteLength / 16;
    this.ids = new BigInt64Array(bytes, 0, n);
    this.places = new Float32Array(bytes, n * 8, n * 2);
    for (const id of this.lit) {
      const i = this.placeOf(BigInt(id));
      if (i !== null) this.index.set(id, i);
    }
    this.draw();
  }

  // The ids rise, so one is found by halving; to look at each of a million takes a second.
  placeOf(id) {
    let [low, high] = [0, this.ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ids[middle] < id) low = middle + 1;
      else high = middle;
    }
    return this.ids[low] === id ? low : null;
  }

  get scale() { return (Math.min(this.canvas.width, this.canvas.height) / 2) * 0.94 * this.view.zoom; }
  // A wide pane is filled: what is near stays near, and no distance on the map is one on the sky.
  get across() { return this.scale * Math.min(1.7, Math.max(1, this.canvas.width / this.canvas.height)); }
  toPixel(x, y) { return [this.canvas.width / 2 + (x - this.view.x) * this.across, this.canvas.height / 2 - (y - this.view.y) * this.scale]; }
  toPlace(px, py) { return [(px - this.canvas.width / 2) / this.across + this.view.x, (this.canvas.height / 2 - py) / this.scale + this.view.y]; }

  // A million points take some milliseconds as bytes of an image, and would take seconds as shapes.
  draw() {
    const box = this.canvas.getBoundingClientRect();
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const width = Math.max(1, Math.round(box.width * ratio));
    const height = Math.max(1, Math.round(box.height * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    if (!this.places) return;
    const image = this.context.createImageData(width, height);
    const dots = new Uint32Array(image.data.buffer);
    dots.fill(0xff120c0a);
    const n = this.ids.length;
    const size = Math.max(1, Math.min(6, Math.round((n < 20000 ? 2.6 : 1) * ratio * Math.sqrt(this.view.zoom))));
    const { scale, across, places, view } = this;
    const left = width / 2 - view.x * across;
    const top = height / 2 + view.y * scale;
    for (let i = 0; i < n; i += 1) {
      const px = (left + places[2 * i] * across) | 0;
      const py = (top - places[2 * i + 1] * scale) | 0;
      if (px < 0 || py < 0 || px + size >= width || py + size >= height) continue;
      for (let dy = 0; dy < size; dy += 1) {
        for (let dx = 0; dx < size; dx += 1) dots[(py + dy) * width + px + dx] = 0xff9c8070;
      }
    }
    this.context.putImageData(image, 0, 0);
    this.drawMarks(ratio);
  }

  drawMarks(ratio) {
    const pen = this.context;
    for (const [id, i] of this.index) {
      const [x, y] = this.toPixel(this.places[2 * i], this.places[2 * i + 1]);
      pen.beginPath();
      pen.arc(x, y, (id === this.under ? 7 : 4) * ratio, 0, 7);
      pen.fillStyle = id === this.under ? "#ffffff" : "#ffd166";
      pen.fill();
    }
    if (this.corners?.length > 1) {
      pen.beginPath();
      for (const [x, y] of this.corners) pen.lineTo(...this.toPixel(x, y));
      pen.closePath();
      pen.fillStyle = "rgb(147 178 255 / 25%)";
      pen.strokeStyle = "#93b2ff";
      pen.lineWidth = 2 * ratio;
      pen.fill();
      pen.stroke();
    }
  }

  ask() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
  }

  pixelOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * this.canvas.width, ((event.clientY - box.top) / box.height) * this.canvas.height];
  }

  zoomBy(factor, at = [this.canvas.width / 2, this.canvas.height / 2]) {
    const [x, y] = this.toPlace(...at);
    this.view.zoom = Math.min(60, Math.max(0.8, this.view.zoom * factor));
    const [newX, newY] = this.toPlace(...at);
    this.view.x += x - newX;
    this.view.y += y - newY;
    this.ask();
  }

  nearest(px, py) {
    let best = null;
    let least = 14 ** 2 * (window.devicePixelRatio || 1) ** 2;
    for (let i = 0; i < this.ids.length; i += 1) {
      const [x, y] = this.toPixel(this.places[2 * i], this.places[2 * i + 1]);
      const away = (x - px) ** 2 + (y - py) ** 2;
      if (away < least) { least = away; best = i; }
    }
    return best;
  }

  light(id) {
    if (this.under === id) return;
    this.under = id;
    for (const card of document.querySelectorAll(".card")) card.classList.toggle("is-lit", card.dataset.id === id);
    this.ask();
  }

  take() {
    const kept = this.corners.filter((_, i) => i % Math.ceil(this.corners.length / 150) === 0);
    const address = new URL(location.href);
    address.searchParams.delete("n");
    address.searchParams.set("lasso", kept.flat().map((number) => number.toPrecision(4)).join(","));
    address.hash = "";
    location.assign(address);
  }

  listen() {
    const { canvas } = this;
    let from = null;
    let moved = false;
    canvas.addEventListener("pointerdown", (event) => {
      if (!this.places) return;
      canvas.setPointerCapture(event.pointerId);
      from = this.pixelOf(event);
      moved = false;
      if (this.isDrawing || event.shiftKey) this.corners = [this.toPlace(...from)];
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.places) return;
      const at = this.pixelOf(event);
      if (!from) {
        const i = this.ids.length > 200000 ? null : this.nearest(...at);
        this.light(i === null ? null : String(this.ids[i]));
        return;
      }
      moved ||= Math.hypot(at[0] - from[0], at[1] - from[1]) > 4;
      if (this.corners) this.corners.push(this.toPlace(...at));
      else {
        this.view.x -= (at[0] - from[0]) / this.across;
        this.view.y += (at[1] - from[1]) / this.scale;
        from = at;
      }
      this.ask();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!from) return;
      from = null;
      if (this.corners) {
        if (this.corners.length > 5) this.take();
        this.corners = null;
        this.ask();
      } else if (!moved) {
        const i = this.nearest(...this.pixelOf(event));
        if (i !== null) location.assign(`/galaxy/${this.ids[i]}`);
      }
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY * 0.0015), this.pixelOf(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const step = 0.12 / this.view.zoom;
      const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }[event.key];
      if (move) { this.view.x += move[0]; this.view.y += move[1]; this.ask(); event.preventDefault(); }
      if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
      if (event.key === "-") this.zoomBy(1 / 1.4);
    });
    window.addEventListener("resize", () => this.ask());
    document.querySelector("#map-in").addEventListener("click", () => this.zoomBy(1.6));
    document.querySelector("#map-out").addEventListener("click", () => this.zoomBy(1 / 1.6));
    document.querySelector("#map-reset").addEventListener("click", () => { this.view = { x: 0, y: 0, zoom: 1 }; this.ask(); });
    const lasso = document.querySelector("#lasso");
    lasso.setAttribute("aria-pressed", "false");
    lasso.addEventListener("click", () => {
      this.isDrawing = !this.isDrawing;
      lasso.setAttribute("aria-pressed", String(this.isDrawing));
      canvas.classList.toggle("drawing", this.isDrawing);
    });
    document.querySelector("#wall")?.addEventListener("pointerover", (event) => {
      const card = event.target.closest(".card");
      if (card && this.places) this.light(card.dataset.id);
    });
  }
}

function element(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Where the galaxies of a survey stand within a part of the sky, that part alone is drawn; else the whole sky.
function projectionOf(cells) {
  const dec = cells.flatMap((cell) => cell.corners.map((corner) => corner[1]));
  const middle = cells.reduce(([x, y], cell) => [x + Math.cos((cell.ra * Math.PI) / 180), y + Math.sin((cell.ra * Math.PI) / 180)], [0, 0]);
  const ra0 = (Math.atan2(middle[1], middle[0]) * 180) / Math.PI;
  const turn = (ra) => ((((ra - ra0) % 360) + 540) % 360) - 180;
  const spread = Math.max(...cells.flatMap((cell) => cell.corners.map((corner) => Math.abs(turn(corner[0])))));
  const dec0 = (Math.min(...dec) + Math.max(...dec)) / 2;
  const isSmall = spread < 30 && Math.max(...dec) - Math.min(...dec) < 50;
  const squeeze = (d) => Math.cos(((isSmall ? dec0 : d) * Math.PI) / 180);
  return { isSmall, ra0, dec0, spread, at: (ra, d) => [-turn(ra) * squeeze(d), -d] };
}

// The viewer stands in a frame: what it needs is more than this page allows.
function showViewer(place, cards) {
  const frame = document.createElement("iframe");
  const galaxies = cards.map(({ dataset: { id, ra, dec } }) => [id, Number(ra).toFixed(6), Number(dec).toFixed(6)].join(","));
  frame.src = `${place.dataset.viewer}#${galaxies.join(";")}`;
  frame.title = "The sky, as the catalogue's own tiles show it";
  place.before(frame);
}

async function drawSky(place, wall) {
  const found = await (await fetch("/page/sky")).json();
  if (!found.cells.length) throw new Error("nothing is counted on the sky yet: galcat check says how");
  const { isSmall, at, ra0 } = projectionOf(found.cells);
  const spots = found.cells.flatMap((cell) => cell.corners.map((corner) => at(...corner)));
  const [xs, ys] = [spots.map((spot) => spot[0]), spots.map((spot) => spot[1])];
  const border = isSmall ? 0.15 * Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) + 0.1 : 6;
  const box = isSmall
    ? [Math.min(...xs) - border, Math.min(...ys) - border, Math.max(...xs) - Math.min(...xs) + 2 * border, Math.max(...ys) - Math.min(...ys) + 2 * border]
    : [-184, -96, 368, 192];
  const svg = element("svg", { viewBox: box.join(" "), role: "group", "aria-label": "Cells of the sky that hold galaxies" });
  if (!isSmall) {
    for (let d = -60; d <= 60; d += 30) {
      const line = Array.from({ length: 73 }, (_, i) => [-180 * Math.cos((d * Math.PI) / 180) + i * 5 * Math.cos((d * Math.PI) / 180), -d].join(" "));
      svg.append(element("path", { class: "grid", d: `M${line.join("L")}` }));
    }
    for (let r = -180; r <= 180; r += 45) {
      const line = Array.from({ length: 37 }, (_, i) => [r * Math.cos(((i * 5 - 90) * Math.PI) / 180), 90 - i * 5].join(" "));
      svg.append(element("path", { class: "grid", d: `M${line.join("L")}` }));
    }
  }
  const most = Math.max(...found.cells.map((cell) => cell.n));
  for (const cell of found.cells) {
    const corners = cell.corners.map((corner) => at(...corner));
    if (Math.max(...corners.map((one) => one[0])) - Math.min(...corners.map((one) => one[0])) > 180) continue;
    const shade = 0.25 + 0.75 * Math.sqrt(cell.n / most);
    const link = element("a", { href: `/?ra=${cell.ra}&dec=${cell.dec}&radius=${cell.radius}`, "aria-label": `${cell.n} galaxies near ${cell.ra} ${cell.dec}` });
    const shape = element("path", { class: "cell", d: `M${corners.map((one) => one.join(" ")).join("L")}Z`, fill: "#5f86ea", "fill-opacity": shade.toFixed(2) });
    const title = element("title", {});
    title.textContent = `${cell.n} galaxies near ${cell.ra} ${cell.dec}`;
    shape.append(title);
    link.append(shape);
    svg.append(link);
  }
  for (const [ra, dec] of wall) {
    const [x, y] = at(ra, dec);
    svg.append(element("circle", { class: "dot", cx: x, cy: y, r: box[2] / 220 }));
  }
  place.replaceChildren(svg);
  return `right ascension grows to the left; the middle is at ${(((ra0 % 360) + 360) % 360).toFixed(1)}°. `;
}

function openPane(button, pane, note, begin) {
  let begun = false;
  const key = `pane:${pane.id}`;
  const set = async (isOpen) => {
    pane.hidden = !isOpen;
    button.setAttribute("aria-pressed", String(isOpen));
    sessionStorage.setItem(key, isOpen ? "1" : "");
    if (!isOpen || begun) return;
    begun = true;
    try {
      const said = await begin();
      if (said) note.prepend(said);
    } catch (error) {
      note.textContent = error.message;
      pane.querySelector("canvas")?.setAttribute("hidden", "");
      pane.querySelector(".actions")?.setAttribute("hidden", "");
    }
  };
  button.addEventListener("click", () => set(pane.hidden));
  if (sessionStorage.getItem(key)) set(true);
}

const cards = [...document.querySelectorAll("#wall .card")];
if (document.querySelector("#map")) {
  const map = new GalaxyMap(document.querySelector("#map"), cards.map((card) => card.dataset.id));
  openPane(document.querySelector("#show-map"), document.querySelector("#map-pane"), document.querySelector("#map-note"), () => map.load());
  openPane(document.querySelector("#show-sky"), document.querySelector("#sky-pane"), document.querySelector("#sky-note"), () => {
    const place = document.querySelector("#sky");
    if (place.dataset.viewer) showViewer(place, cards);
    return drawSky(place, cards.map((card) => [Number(card.dataset.ra), Number(card.dataset.dec)]));
  });
}
