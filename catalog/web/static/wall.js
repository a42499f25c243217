// The wall's own script: empty fields out of addresses, histograms to drag on, panes, copying, a dropped file.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const find = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function openSide() {
  const side = find("#narrow");
  if (side && window.matchMedia("(min-width: 761px)").matches) side.open = true;
}

function leaveOutEmptyFields(form) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value.trim()) field.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}

function shorten(number, low, high) {
  return String(Number(number.toPrecision(high - low > 5 ? 4 : 3)));
}

function drawHistogram(facet, { low, high, counts }) {
  const [from, to] = all("input", facet);
  const svg = document.createElementNS(SVG, "svg");
  const most = Math.max(...counts, 1);
  const step = 100 / counts.length;
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const bars = counts.map((count, i) => {
    const bar = document.createElementNS(SVG, "rect");
    const height = count ? Math.max(1, (count / most) * 29) : 0;
    bar.setAttribute("x", i * step + 0.3);
    bar.setAttribute("width", step - 0.6);
    bar.setAttribute("y", 30 - height);
    bar.setAttribute("height", height);
    svg.append(bar);
    return bar;
  });
  const light = () => {
    const a = from.value === "" ? -Infinity : Number(from.value);
    const b = to.value === "" ? Infinity : Number(to.value);
    bars.forEach((bar, i) => {
      const middle = low + ((i + 0.5) / counts.length) * (high - low);
      bar.classList.toggle("in", middle >= a && middle <= b);
    });
  };
  const valueAt = (event) => {
    const box = svg.getBoundingClientRect();
    return low + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (high - low);
  };
  let begun = null;
  svg.addEventListener("pointerdown", (event) => {
    begun = valueAt(event);
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const [a, b] = [begun, valueAt(event)].sort((one, other) => one - other);
    from.value = shorten(a, low, high);
    to.value = shorten(b, low, high);
    light();
  });
  svg.addEventListener("pointerup", () => { begun = null; });
  for (const field of [from, to]) field.addEventListener("input", light);
  svg.append(...bars);
  find(".name", facet).after(svg);
  light();
}

async function drawHistograms() {
  const sample = find("#sample");
  if (!sample) return;
  sample.textContent = "counting …";
  try {
    const answer = await fetch(`/page/histograms${location.search}`);
    const found = await answer.json();
    if (found.error) throw new Error(found.error);
    for (const facet of all(".facet")) {
      const one = found.columns[facet.dataset.column];
      if (one) drawHistogram(facet, one);
    }
    const rows = found.rows.toLocaleString("en").replaceAll(",", "\u202f");
    sample.textContent = found.all
      ? `${rows} galax${found.rows === 1 ? "y" : "ies"} in all`
      : `histograms of the first ${rows}`;
  } catch (error) {
    sample.textContent = "histograms took too long";
  }
}

function letCopy() {
  for (const button of all(".copy")) {
    button.addEventListener("click", async () => {
      const text = button.dataset.copy ?? find("pre", button.parentElement).textContent;
      const said = button.textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(find("pre", button.parentElement) ?? button.previousElementSibling);
        button.textContent = "Marked";
      }
      setTimeout(() => { button.textContent = said; }, 1500);
    });
  }
}

function fallBackToSmallPictures() {
  const large = find(".portrait .large");
  if (!large) return;
  const fall = () => { if (!large.src.endsWith(large.dataset.small)) large.src = large.dataset.small; };
  large.addEventListener("error", fall);
  if (large.complete && !large.naturalWidth) fall();
}

function moveByKeys() {
  const wall = find("#wall");
  if (!wall) return;
  wall.addEventListener("keydown", (event) => {
    const card = event.target.closest(".card");
    if (!card || !event.target.matches(".picture")) return;
    const cards = all(".card", wall);
    const across = cards.filter((one) => one.offsetTop === cards[0].offsetTop).length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
    const key = { "+": ".more", "-": ".less" }[event.key];
    if (step) {
      const next = cards[cards.indexOf(card) + step];
      if (next) { find(".picture", next).focus(); event.preventDefault(); }
    } else if (key && find(key, card)) {
      find(key, card).click();
    }
  });
}

function acceptFile() {
  const form = find("#drop");
  if (!form) return;
  const message = find("#drop-message");
  const send = async (file) => {
    message.textContent = `reading ${file.name} …`;
    const body = new FormData(form);
    body.set("file", file);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      const found = await answer.json();
      if (found.address) location.assign(found.address);
      else message.textContent = found.error;
    } catch {
      message.textContent = "the service did not answer: try again";
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = find("#file").files[0];
    if (file) send(file);
    else message.textContent = "choose a file first";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files[0]) {
        form.scrollIntoView({ block: "center" });
        send(event.dataTransfer.files[0]);
      }
    });
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, textarea, select")) {
    find("#bar").focus();
    event.preventDefault();
  }
});

openSide();
if (find("#facets")) leaveOutEmptyFields(find("#facets"));
letCopy();
fallBackToSmallPictures();
moveByKeys();
acceptFile();
drawHistograms();
