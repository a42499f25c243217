// A galaxy's sliders: the service draws the picture anew, and the address says how.
"use strict";

const draw = document.querySelector("#draw");

// What differs from the usual alone: the address stays short, and the same picture has one address.
function queryOf(form) {
  const query = new URLSearchParams();
  for (const slider of form.querySelectorAll("input[type=range]")) {
    if (Number(slider.value) !== Number(slider.dataset.usual)) query.set(slider.name, slider.value);
  }
  if (!form.querySelector("#marks").checked) query.set("marks", "0");
  return query.size ? `?${query}` : "";
}

if (draw) {
  const picture = document.querySelector("#portrait");
  let waiting = 0;
  const redraw = () => {
    const query = queryOf(draw);
    picture.classList.add("is-waiting");
    said.textContent = "";
    picture.src = draw.dataset.picture + query;
    history.replaceState(null, "", draw.getAttribute("action") + query);
  };
  const said = draw.querySelector("[role=status]");
  picture.addEventListener("load", () => picture.classList.remove("is-waiting"));
  picture.addEventListener("error", () => {
    picture.classList.remove("is-waiting");
    said.textContent = "it cannot be drawn so: choose a smaller width, or try again";
  });
  draw.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(redraw, 200);
  });
  draw.addEventListener("submit", (event) => { event.preventDefault(); redraw(); });
}
