// Labelling by keys: answers are kept in this browser until the service has them, and nothing is lost by a reload.
"use strict";

const page = document.querySelector("#ask");
const { task, kind, who, may, token } = page.dataset;
const classes = page.dataset.classes ? page.dataset.classes.split(",") : [];
const at = (id) => document.querySelector(`#${id}`);
const KEY = `galcat:${task}:${who}`;
const UNCLEAR = "?";

const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") ?? { unsent: [], batch: [], now: 0, skipped: [], reason: "" };
let isSending = false;
let isAsking = false;
let wait = 1000;

function keep() {
  localStorage.setItem(KEY, JSON.stringify(kept));
}

function keysOf() {
  const keys = {};
  if (kind === "interest") for (let i = 0; i <= 5; i += 1) keys[i] = i;
  else {
    classes.forEach((name, i) => { keys[i + 1] = name; });
    for (const name of classes) if (!"csu".includes(name[0]) && !(name[0] in keys)) keys[name[0]] = name;
  }
  return keys;
}
const KEYS = keysOf();

function say(text, className = "") {
  at("state").textContent = text;
  at("state").className = className;
}

function sayState() {
  const n = kept.unsent.length;
  if (!may) say("");
  else if (!n) say("everything is saved", "saved");
  else say(`${n} unsent${navigator.onLine ? "" : ": no connection, they are kept in this browser"}`, "unsent");
}

// The token and the address of a page that was left open may be old: then the answers stay here until it is reloaded.
async function send() {
  if (isSending || !may || !kept.unsent.length) return sayState();
  isSending = true;
  const sent = kept.unsent.slice(0, 100);
  try {
    const answer = await fetch(`/label/${task}/say`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": token },
      body: JSON.stringify(sent),
    });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    kept.unsent = kept.unsent.filter((one) => !sent.some((other) => other.id === one.id && other.at === one.at));
    keep();
    wait = 1000;
    const refused = Object.entries(found.refused);
    isSending = false;
    if (refused.length) say(`${refused[0][0]}: ${refused[0][1]}`, "unsent");
    else sayState();
    if (kept.unsent.length) send();
    else if (kept.now >= kept.batch.length) askNext();
  } catch (error) {
    isSending = false;
    const why = error instanceof TypeError ? "no connection" : error.message;
    say(`${kept.unsent.length} unsent, kept in this browser: ${why}`, "unsent");
    setTimeout(send, wait);
    wait = Math.min(30000, wait * 2);
  }
  return undefined;
}

async function askNext() {
  if (isAsking) return;
  isAsking = true;
  at("reason").textContent = "choosing the next galaxies …";
  try {
    const skip = kept.skipped.slice(-150).join(",");
    const answer = await fetch(`/label/${task}/next?skip=${skip}`);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    Object.assign(kept, { batch: found.galaxies, now: 0, reason: found.reason });
    if (!found.galaxies.length && kept.skipped.length) {
      kept.skipped = [];
      keep();
      isAsking = false;
      askNext();
      return;
    }
    keep();
    showCounts(found);
    for (const one of found.galaxies) new Image().src = `/datalink/thumbnail/${one.id}.jpg`;
  } catch (error) {
    at("reason").textContent = error instanceof TypeError ? "no connection: trying again …" : error.message;
    if (error instanceof TypeError) setTimeout(askNext, 3000);
  }
  isAsking = false;
  show();
}

function showCounts({ counts, mine, pairs, agreeing, gold, gold_right: right }) {
  const all = Object.entries(counts).map(([name, n]) => `${name} ${n}`).join(", ");
  const agreed = pairs ? `; people agree on ${Math.round((100 * agreeing) / pairs)} % of what two have seen` : "";
  at("counts").textContent = all ? `So far: ${all}${may ? `; ${mine} by you` : ""}${agreed}${gold ? `; ${right} of your ${gold} answers with a gold standard are right` : ""}.` : "Nobody has answered yet.";
}

function show() {
  const one = kept.batch[kept.now];
  const buttons = document.querySelectorAll("#answers button, #unclear, #skip");
  for (const button of buttons) button.disabled = !one;
  at("undo").disabled = !kept.batch.slice(0, kept.now).length;
  at("progress").max = Math.max(1, kept.batch.length);
  at("progress").value = kept.now;
  if (one) {
    at("picture").src = `/datalink/thumbnail/${one.id}.jpg`;
    at("picture").alt = `galaxy ${one.id}`;
    at("more").href = `/galaxy/${one.id}`;
    at("more").textContent = one.id;
    at("belief").textContent = one.belief ? `· the model expects ${one.belief}` : "";
    at("reason").textContent = `These come next: ${kept.reason}.`;
  } else if (!isAsking && !kept.batch.length) {
    at("reason").textContent ||= "No galaxy is left to ask about.";
  }
  const said = one?.said;
  at("answered").hidden = said === undefined;
  at("answered").textContent = said === UNCLEAR ? "can't tell" : String(said ?? "skipped");
  at("queue").replaceChildren(...kept.batch.map((galaxy, i) => {
    const item = document.createElement("li");
    item.className = i === kept.now ? "now" : "said" in galaxy ? "done" : "";
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", `galaxy ${i + 1} of ${kept.batch.length}${"said" in galaxy ? `, answered ${galaxy.said ?? "skipped"}` : ""}`);
    if (i === kept.now) button.setAttribute("aria-current", "true");
    const image = document.createElement("img");
    image.src = `/datalink/thumbnail/${galaxy.id}.jpg`;
    image.alt = "";
    button.append(image);
    button.addEventListener("click", () => { kept.now = i; keep(); show(); });
    item.append(button);
    return item;
  }));
}

function answer(value) {
  const one = kept.batch[kept.now];
  if (!one) return;
  one.said = value;
  if (value === null) kept.skipped.push(one.id);
  else if (may) kept.unsent.push({ id: one.id, value, at: Date.now() });
  kept.now += 1;
  while (kept.batch[kept.now] && "said" in kept.batch[kept.now]) kept.now += 1;
  const rest = kept.batch.findIndex((other) => !("said" in other));
  if (kept.now >= kept.batch.length && rest >= 0) kept.now = rest;
  if (!may && kept.now >= kept.batch.length) kept.skipped.push(...kept.batch.map((other) => other.id));
  keep();
  show();
  sayState();
  send();
  if (kept.now >= kept.batch.length && !kept.unsent.length) askNext();
}

function undo() {
  const before = kept.batch.slice(0, kept.now).findLastIndex((one) => "said" in one);
  if (before < 0) return;
  const one = kept.batch[before];
  if (one.said !== null && may) kept.unsent.push({ id: one.id, value: null, at: Date.now() });
  kept.skipped = kept.skipped.filter((id) => id !== one.id);
  delete one.said;
  kept.now = before;
  keep();
  show();
  send();
}

document.querySelectorAll("#answers button").forEach((button, i) => {
  const value = kind === "interest" ? Number(button.dataset.value) : button.dataset.value;
  const letter = Object.keys(KEYS).find((key) => KEYS[key] === value && Number.isNaN(Number(key)));
  const mark = button.querySelector("kbd");
  if (mark) mark.textContent = letter ?? String(i + 1);
  button.addEventListener("click", () => answer(value));
});
at("unclear").addEventListener("click", () => answer(UNCLEAR));
at("skip").addEventListener("click", () => answer(null));
at("undo").addEventListener("click", undo);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const key = event.key.toLowerCase();
  if (key in KEYS) answer(KEYS[key]);
  else if (key === "c" || key === "?") answer(UNCLEAR);
  else if (key === "s") answer(null);
  else if (key === "u" || key === "backspace") undo();
  else if (key === "arrowleft" && kept.now > 0) { kept.now -= 1; show(); }
  else if (key === "arrowright" && kept.now + 1 < kept.batch.length) { kept.now += 1; show(); }
  else return;
  event.preventDefault();
});
window.addEventListener("online", send);
window.addEventListener("beforeunload", keep);

show();
sayState();
send();
if (kept.now >= kept.batch.length && !kept.unsent.length) askNext();
