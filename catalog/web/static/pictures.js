// Small pictures for which the service was too busy: asked for again when it says so, some times.
"use strict";
{
  const MOST = 6;
  const USUAL_S = 2;
  const asked = new WeakMap();
  const rest = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds * (0.75 + Math.random() / 2)));

  const askAgain = async (image) => {
    const address = image.src;
    if (!new URL(address).pathname.startsWith("/datalink/thumbnail/") || asked.get(image) === address) return;
    asked.set(image, address);
    for (let i = 0; i < MOST && image.src === address; i += 1) {
      const answer = await fetch(address).catch(() => null);
      if (answer?.ok && image.src === address) image.src = address; // the browser has kept it
      if (answer && answer.status !== 503) break;
      await rest(Number(answer?.headers.get("Retry-After")) || USUAL_S);
    }
  };

  document.addEventListener("error", ({ target }) => { if (target instanceof HTMLImageElement) askAgain(target); }, true);
  for (const image of document.images) if (image.complete && image.src && !image.naturalWidth) askAgain(image);
}
