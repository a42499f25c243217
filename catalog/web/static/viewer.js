// Aladin Lite on the catalogue's own HiPS; the frame's address names the galaxies of the wall: #id,ra,dec;id,ra,dec
import A from "/page/aladin/aladin.js";

const galaxies = location.hash.slice(1).split(";").filter(Boolean).map((text) => {
  const [id, ra, dec] = text.split(",");
  return { id, ra: Number(ra), dec: Number(dec) };
});

function middleOf(some) {
  const sum = some.reduce(([x, y, z], { ra, dec }) => {
    const [a, d] = [(ra * Math.PI) / 180, (dec * Math.PI) / 180];
    return [x + Math.cos(d) * Math.cos(a), y + Math.cos(d) * Math.sin(a), z + Math.sin(d)];
  }, [0, 0, 0]);
  return [(Math.atan2(sum[1], sum[0]) * 180) / Math.PI, (Math.atan2(sum[2], Math.hypot(sum[0], sum[1])) * 180) / Math.PI];
}

await A.init;
const hips = new URL("/page/hips", location.href).href;
const [ra, dec] = galaxies.length ? middleOf(galaxies) : [0, 0];
const far = Math.max(0.05, ...galaxies.map((one) => Math.hypot((((one.ra - ra + 540) % 360) - 180) * Math.cos((dec * Math.PI) / 180), one.dec - dec)));
const aladin = A.aladin("#aladin", {
  survey: hips, target: `${ra} ${dec}`, fov: Math.min(120, 2.4 * far), cooFrame: "ICRSd", reticleColor: "#93b2ff",
  showProjectionControl: false, showLayersControl: false, showSimbadPointerControl: false, showShareControl: false,
  showSettingsControl: false, showStackLayerControl: false, showColorPickerControl: false, showReticle: false,
});
const wall = A.catalog({ name: "the wall", shape: "circle", color: "#ffd166", sourceSize: 16 });
aladin.addCatalog(wall);
wall.addSources(galaxies.map((one) => A.source(one.ra, one.dec, { id: one.id })));
aladin.on("objectClicked", (one) => {
  if (one?.data?.id && /^\d{1,19}$/.test(one.data.id)) window.top.location.assign(`/galaxy/${one.data.id}`);
});
document.body.dataset.ready = "1";
