// A page that is not there: which cameras are, and the way to them.

import "./tools.js";
import { ask, setText } from "./daemon.js";
import { pageOf } from "./root.js";

const { cameras } = await ask("api/v1/cameras").catch(() => ({ cameras: [] }));
document.getElementById("known").hidden = cameras.length === 0;
document.querySelector("#known ul").replaceChildren(...cameras.map(({ name }) => {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = pageOf(name);
  link.textContent = name;
  line.append(link);
  return line;
}));
setText(document.getElementById("health"), "");
