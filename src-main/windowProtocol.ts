import { readFile } from "node:fs/promises";
import { extname, resolve, sep } from "node:path";

/** The window's own scheme: a page of `file:` could read the user's files, one of this scheme only its own. */
export const windowScheme = "latency-lab";

/** Where the page is. */
export const windowUrl = `${windowScheme}://window/`;

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".json": "application/json",
};

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Whether an address is a page of the window. */
export function isWindowUrl(url: string): boolean {
  return url === windowUrl || url.startsWith(`${windowUrl}#`) || url.startsWith(`${windowUrl}index.html`);
}

/** Answers a request of the window with a file of its folder; 404 for anything else, wherever the path may lead. */
export async function answerWindowRequest(folder: string, url: string, method: string): Promise<Response> {
  const { protocol, host, pathname } = new URL(url);
  if (protocol !== `${windowScheme}:` || host !== "window" || method !== "GET") return refuse();
  const base = resolve(folder);
  let path: string;
  try {
    path = resolve(base, `.${decodeURIComponent(pathname === "/" ? "/index.html" : pathname)}`);
  } catch {
    return refuse();
  }
  const type = types[extname(path)];
  if (!path.startsWith(base + sep) || type === undefined) return refuse();
  try {
    return new Response(await readFile(path), {
      headers: {
        "Content-Type": type,
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
      },
    });
  } catch {
    return refuse();
  }
}

function refuse(): Response {
  return new Response("There is nothing here.", { status: 404, headers: { "Content-Type": "text/plain" } });
}
