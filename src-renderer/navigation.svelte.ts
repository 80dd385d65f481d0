import { formatRoute, parseRoute } from "./route.ts";
import type { Noun, Route } from "./route.ts";

class Navigation {
  route: Route = $state.raw(parseRoute(location.hash));

  constructor() {
    addEventListener("hashchange", () => {
      this.route = parseRoute(location.hash);
    });
  }

  /** Goes to an address such as `formatRoute("runs", [12])` gives. */
  go(hash: string): void {
    if (location.hash !== hash) location.hash = hash;
  }

  /** Keeps a choice in the address without a step in the history; undefined forgets it. */
  keep(query: Record<string, string | number | undefined>): void {
    const { noun, path } = this.route;
    const hash = formatRoute(noun, path, { ...this.route.query, ...query });
    history.replaceState(null, "", hash);
    this.route = parseRoute(hash);
  }

  /** The address of a noun, or of one of its things. */
  hrefOf(noun: Noun, ...path: (string | number)[]): string {
    return formatRoute(noun, path);
  }
}

export const navigation = new Navigation();
