// SAMP's web profile: hands what the page shows to TOPCAT, Aladin or DS9 on the visitor's own machine.
// The hub (TOPCAT's, Aladin's) asks its user first. https://www.ivoa.net/documents/SAMP, section 5.
"use strict";

const HUB = "http://localhost:21012/";

class SampError extends Error {}

// A value in XML-RPC: SAMP has texts, lists and maps alone.
function writeValue(value) {
  const text = (some) => String(some).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  if (Array.isArray(value)) return `<value><array><data>${value.map(writeValue).join("")}</data></array></value>`;
  if (typeof value === "object") {
    const members = Object.entries(value).map(([name, one]) => `<member><name>${text(name)}</name>${writeValue(one)}</member>`);
    return `<value><struct>${members.join("")}</struct></value>`;
  }
  return `<value><string>${text(value)}</string></value>`;
}

function readValue(node) {
  const typed = node.firstElementChild;
  if (typed === null) return node.textContent;
  if (typed.tagName === "array") return [...typed.querySelectorAll(":scope > data > value")].map(readValue);
  if (typed.tagName === "struct") {
    return Object.fromEntries([...typed.children].map((member) => [member.children[0].textContent, readValue(member.children[1])]));
  }
  return typed.textContent;
}

async function call(method, ...parameters) {
  const body = `<?xml version="1.0"?><methodCall><methodName>samp.webhub.${method}</methodName><params>${parameters
    .map((one) => `<param>${writeValue(one)}</param>`).join("")}</params></methodCall>`;
  let answer;
  try {
    answer = await fetch(HUB, { method: "POST", headers: { "Content-Type": "text/xml" }, body, credentials: "omit" });
  } catch {
    throw new SampError("no SAMP hub answers on this machine: start TOPCAT or Aladin, then try again");
  }
  const xml = new DOMParser().parseFromString(await answer.text(), "text/xml");
  const fault = xml.querySelector("fault > value");
  if (fault) throw new SampError(`the SAMP hub refused: ${readValue(fault).faultString}`);
  const value = xml.querySelector("params > param > value");
  if (!value) throw new SampError("what listens for SAMP on this machine gives no answer of a hub");
  return readValue(value);
}

// Sends messages to all programs that take them; gives the names of those, each once.
async function tellAll(messages) {
  const { "samp.private-key": key } = await call("register", { "samp.name": "galcat" });
  try {
    await call("declareMetadata", key, {
      "samp.name": "galcat",
      "samp.description.text": "Galaxies of a catalogue, from its page in a browser",
      "samp.icon.url": new URL(document.querySelector("link[rel=icon]").href, location.href).href,
    });
    const told = new Set();
    for (const message of messages) for (const id of await call("notifyAll", key, message)) told.add(id);
    const names = [];
    for (const id of told) names.push((await call("getMetadata", key, id))["samp.name"] ?? id);
    return names;
  } finally {
    await call("unregister", key).catch(() => undefined);
  }
}

function messagesOf({ table, name, ra, dec }) {
  const messages = [{ "samp.mtype": "table.load.votable", "samp.params": { url: table, name, "table-id": table } }];
  if (ra) messages.push({ "samp.mtype": "coord.pointAt.sky", "samp.params": { ra, dec } });
  return messages;
}

for (const place of document.querySelectorAll(".samp")) {
  const [button, said] = [place.querySelector("button"), place.querySelector("[role=status]")];
  place.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "asking the hub; it may ask you …";
    try {
      const names = await tellAll(messagesOf(place.dataset));
      said.textContent = names.length ? `sent to ${names.join(", ")}` : "the hub runs, and no program beside it takes tables";
    } catch (error) {
      said.textContent = error.message;
    }
    button.disabled = false;
  });
}
