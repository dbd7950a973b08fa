// A page that is not there: which cameras are, and the way to them.

import "./tools.js";
import { ask, setText } from "./daemon.js";
import { at, pageOf } from "./root.js";

setText(document.getElementById("health"), "");
const isOff = document.getElementById("main").dataset.reason === "pictures_off";
if (isOff) {
  const way = document.getElementById("way");
  way.href = at("api/v1/cameras");
  way.textContent = "Go to the cameras' facts";
}
const { cameras } = isOff ? { cameras: [] } : await ask("api/v1/cameras").catch(() => ({ cameras: [] }));
document.getElementById("known").hidden = cameras.length === 0;
document.querySelector("#known ul").replaceChildren(...cameras.map(({ name }) => {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = pageOf(name);
  link.textContent = name;
  line.append(link);
  return line;
}));
