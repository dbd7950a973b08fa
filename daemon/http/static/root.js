// Addresses of the daemon, under whatever path a proxy shows it: this file lies one below its root.

export const root = new URL("../", import.meta.url);

export function at(path) {
  return new URL(path, root).href;
}

export function apiOf(camera, rest = "") {
  return at(`api/v1/cameras/${encodeURIComponent(camera)}${rest}`);
}

export function pageOf(camera) {
  return at(`camera/${encodeURIComponent(camera)}`);
}

// The camera of this page's address.
export function cameraHere() {
  const [, name] = location.pathname.slice(root.pathname.length).split("/");
  return decodeURIComponent(name);
}
