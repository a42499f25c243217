// Example pictures under each question of the dictionary, fetched when the question comes into view.
"use strict";

function figureOf({ column, words, galaxies }) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const link = document.createElement("a");
  link.href = `/?${column}=0.5..&order=-${column}`;
  link.textContent = words;
  caption.append(link);
  const row = document.createElement("div");
  for (const one of galaxies) {
    const to = document.createElement("a");
    to.href = `/galaxy/${one.id}`;
    const image = document.createElement("img");
    Object.assign(image, { src: `/datalink/thumbnail/${one.id}.jpg`, width: 96, height: 96, alt: `${words}, ${one.fraction.toFixed(2)} of the votes: galaxy ${one.id}` });
    to.append(image);
    row.append(to);
  }
  if (!galaxies.length) {
    const none = document.createElement("p");
    none.className = "quiet";
    none.textContent = "no galaxy here of which most would say so";
    row.append(none);
  }
  figure.append(caption, row);
  return figure;
}

async function fill(place) {
  try {
    const answer = await fetch(`/page/examples/${place.dataset.question}`);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error);
    place.replaceChildren(...found.answers.map(figureOf));
  } catch (error) {
    place.textContent = `no examples: ${error instanceof TypeError ? "the service did not answer" : error.message}`;
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    fill(entry.target);
  }
}, { rootMargin: "300px" });
for (const place of document.querySelectorAll(".shows")) seen.observe(place);
